//! A site to deploy: a build command that makes two folders of files, and a version that shows in all of them.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

const BUILD: &str = r#"set -eu
version=$(cat VERSION)
mkdir -p dist/docs spa/assets
echo "<p>page of version $version" > dist/index.html
echo "<p>nothing here, says version $version" > dist/404.html
echo "<p>docs of version $version" > dist/docs/index.html
echo "run('version $version')" > dist/app.js
gzip -c dist/app.js > dist/app.js.gz
echo "brotli of version $version" > dist/app.js.br
echo "script of version $version" > "dist/app.${version}a2b3c4d.js"
echo "only in version $version" > "dist/only-$version.txt"
printf '0123456789' > dist/digits.txt
echo "<p>app of version $version" > spa/index.html
"#;

/// A folder with a manifest of two sites: `web` with a page for 404, `spa` without.
pub struct Folder(TempDir);

impl Folder {
    /// Version 1.
    pub fn new() -> Self {
        let folder = Folder(tempfile::Builder::new().prefix("tidegate-site-").tempdir().unwrap());
        folder.write("build.sh", BUILD);
        folder.set(1, "blue-green: { bake: 1s }");
        folder
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Another version, rolled out like this.
    pub fn set(&self, version: u32, strategy: &str) {
        self.write("VERSION", &version.to_string());
        let manifest = format!(
            "app: site\nbuild: {{ run: sh build.sh }}\nservices:\n  web:\n    static: {{ root: dist, not_found: 404.html }}\n    \
             traffic: {{ echo_arm: true }}\n    strategy: {{ {strategy} }}\n  spa:\n    static: {{ root: spa, spa: true }}\n    strategy: {{ all-at-once: {{ bake: 1s }} }}\n\
             routes:\n  - {{ host: site.localhost, to: web }}\n  - {{ host: spa.localhost, to: spa }}\n"
        );
        self.write("tidegate.yaml", &manifest);
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }
}
