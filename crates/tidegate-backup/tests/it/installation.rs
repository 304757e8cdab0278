//! A data directory as a control plane leaves it, with a key to its backups.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tidegate_backup::{Made, Order, Recipients, Unlock, back_up, make_key, recipients_of};
use tidegate_core::event::Event;
use tidegate_core::model::{Build, BuildId, BuildPhase, BuildSource, Instance, ServiceKey, ServiceState};
use tidegate_store::Store;

pub struct Installation {
    pub dir: TempDir,
    pub unlock: Unlock,
    pub store: Store,
}

pub fn service() -> ServiceKey {
    ServiceKey {
        app: "shop".parse().unwrap(),
        environment: "production".parse().unwrap(),
        service: "web".parse().unwrap(),
    }
}

pub fn instance(generation: u64) -> Instance {
    let stored = serde_json::json!({
        "id": "web-1", "revision": "r1", "generation": generation, "intent": "run", "seen": "ready",
        "created_at": 1, "started_at": 2, "ready_since": 3, "ever_ready": true, "restarts": 1, "crashes": 0,
    });
    serde_json::from_value(stored).unwrap()
}

pub fn build(id: &str) -> Build {
    Build {
        id: BuildId(id.to_owned()),
        app: "shop".parse().unwrap(),
        snapshot: "s".to_owned(),
        run: None,
        within_ms: 1_000,
        phase: BuildPhase::Ready,
        content: Some("c".to_owned()),
        size: 1,
        source: BuildSource::default(),
        made_at_unix_ms: 1,
    }
}

impl Installation {
    pub fn new() -> Installation {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        fs::create_dir(&data).unwrap();
        let mut store = Store::open(&data.join("tidegate.db")).unwrap();
        store
            .transaction(|tx| {
                tx.put_build(&build("one"))?;
                tx.put_service(&ServiceState::new(service()))?;
                tx.put_instance(&service(), &instance(5))?;
                tx.event(&Event::platform("test", "before"), 1).map(drop)
            })
            .unwrap();
        fs::write(data.join("tidegate.json"), r#"{"tidegate_data_directory":1}"#).unwrap();
        for (path, text) in [
            ("token", "t0ken"),
            ("lock", "1"),
            ("secrets/shop.env", "KEY=secret"),
            ("gateway/certs/a.test/key.pem", "pem"),
            ("gateway/table.json", "{}"),
            ("git/shop.git/HEAD", "ref: refs/heads/main\n"),
            ("git/shop.git/refs/heads/main.lock", ""),
            ("units/web-1@5/spec.json", "{}"),
            ("cache/shop/fetched", "x"),
            ("logs/web-1/0", "said"),
            ("experiments.key", "key"),
        ] {
            write(&data.join(path), text);
        }
        let installation = Installation { unlock: unlock(&dir, &data), dir, store };
        installation.build("one", 3);
        installation
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn file(&self) -> PathBuf {
        self.dir.path().join("one.backup")
    }

    /// A build as it is sealed: with a program, a link, an odd name, and nobody's to write to.
    pub fn build(&self, name: &str, files: usize) {
        let dir = self.data().join("builds").join(name);
        for number in 0..files {
            write(&dir.join(format!("lib/{number}.js")), &format!("export const x = {number};\n").repeat(20));
        }
        write(&dir.join("run"), "#!/bin/sh\n");
        write(&dir.join("back\\slash ä"), "odd");
        fs::set_permissions(dir.join("run"), fs::Permissions::from_mode(0o555)).unwrap();
        symlink("../run", dir.join("lib/link")).unwrap();
        symlink("/etc/hostname", dir.join("outside")).unwrap();
        fs::set_permissions(dir.join("lib"), fs::Permissions::from_mode(0o555)).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o550)).unwrap();
    }

    pub fn make(&self) -> Made {
        self.make_as(false, Some(&self.unlock))
    }

    pub fn make_as(&self, all: bool, opens: Option<&Unlock>) -> Made {
        let recipients = recipients_of(&self.data()).unwrap().unwrap();
        self.try_to(&self.file(), &recipients, all, opens).unwrap()
    }

    pub fn try_to(
        &self,
        to: &Path,
        recipients: &Recipients,
        all: bool,
        opens: Option<&Unlock>,
    ) -> Result<Made, tidegate_backup::BackupError> {
        back_up(&Order {
            data: &self.data(),
            to,
            recipients,
            opens,
            logs: all,
            caches: all,
            version: "0.1.0",
            unix_ms: 1_000,
        })
    }
}

/// So that removing the temporary directory works.
impl Drop for Installation {
    fn drop(&mut self) {
        open_up(self.dir.path());
    }
}

pub fn open_up(dir: &Path) {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).unwrap();
    for item in fs::read_dir(dir).unwrap().flatten().filter(|item| item.file_type().unwrap().is_dir()) {
        open_up(&item.path());
    }
}

pub fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn unlock(dir: &TempDir, data: &Path) -> Unlock {
    let key = make_key(data, false).unwrap();
    let path = dir.path().join("identity");
    fs::write(&path, key.expose()).unwrap();
    Unlock::identities_in(&path).unwrap()
}

/// Everything below a folder: mode, and content or where a link leads.
pub fn contents(root: &Path) -> BTreeMap<PathBuf, (u32, String)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(&folder).unwrap().flatten() {
            let (path, meta) = (item.path(), item.metadata().unwrap());
            let text = if meta.is_symlink() {
                format!("-> {}", fs::read_link(&path).unwrap().display())
            } else if meta.is_dir() {
                folders.push(path.clone());
                "folder".to_owned()
            } else {
                String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned()
            };
            let mode = if meta.is_symlink() { 0 } else { meta.mode() & 0o777 };
            found.insert(path.strip_prefix(root).unwrap().to_owned(), (mode, text));
        }
    }
    found
}
