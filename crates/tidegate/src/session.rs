//! What the global options mean for a command that asks a server: the client, the scope, and a runtime to wait on.

use std::future::Future;
use std::path::{Path, PathBuf};

use tidegate_api::Client;
use tidegate_control::{Scope, ServiceRef};
use tidegate_core::model::Name;

use crate::cli::ScopeArgs;
use crate::failure::Failure;
use crate::{folder, locate};

/// What was said about the server.
#[derive(Debug)]
pub struct Session {
    api: Option<String>,
    ca: Option<PathBuf>,
}

impl Session {
    /// From `--api` or `TIDEGATE_API`, and `--ca` or `TIDEGATE_CA`.
    pub fn new(api: Option<String>, ca: Option<PathBuf>) -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let api = api.or_else(|| set("TIDEGATE_API")).filter(|text| !text.is_empty());
        Session { api, ca: ca.or_else(|| set("TIDEGATE_CA").map(PathBuf::from)) }
    }

    /// The address that was said, where it is a URL.
    pub fn url(&self) -> Option<String> {
        self.api.clone().filter(|text| text.contains("://"))
    }

    /// The file with the authorities to believe instead of the system's.
    pub fn ca(&self) -> Option<PathBuf> {
        self.ca.clone()
    }

    /// A way to the server; nothing is sent yet.
    pub fn client(&self) -> Result<Client, Failure> {
        locate::client(self.api.as_deref(), self.ca.as_deref())
    }

    /// The data directory the server is found by, where it is not found by a URL.
    pub fn data_dir(&self) -> Option<PathBuf> {
        match self.api.as_deref() {
            Some(url) if url.contains("://") => None,
            Some(dir) => Some(PathBuf::from(dir)),
            None => locate::nearest_data_dir().ok(),
        }
    }

    /// The scope as typed; the app of this folder's manifest where none was.
    pub fn scope(&self, typed: ScopeArgs) -> Scope {
        let app = typed.app.or_else(|| folder::app_of(Path::new(".")));
        Scope { app, environment: typed.environment }
    }

    /// A service of the scope as typed.
    pub fn service(&self, typed: ScopeArgs, service: Name) -> ServiceRef {
        ServiceRef { scope: self.scope(typed), service }
    }

    /// Waits for a future on this thread.
    pub fn wait<T>(&self, future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|error| Failure::environment(error.to_string(), "run the command again"))?;
        let result = runtime.block_on(future);
        // A thread that still reads a folder must not hold up the end.
        runtime.shutdown_background();
        result
    }
}
