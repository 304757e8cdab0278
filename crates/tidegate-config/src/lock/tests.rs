//! Lock files as their programs write them, cut short.

use super::*;

fn purls(path: &str, text: &str) -> Vec<String> {
    let locked = read_lock(path, text).unwrap();
    assert_eq!(locked.notes, Vec::<String>::new());
    locked.components.iter().map(Component::purl).collect()
}

#[test]
fn cargo() {
    let text = "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"libc\",\n]\n\n\
                [[package]]\nname = \"libc\"\nversion = \"0.2.150\"\n\
                source = \"registry+https://example.org/index\"\n\
                checksum = \"89d92a4743f9a61002fae18374ed11e7973f530cb3a3255fb354818118b2203c\"\n";
    assert_eq!(purls("sub/Cargo.lock", text), ["pkg:cargo/libc@0.2.150"]);
    let hashes = &read_lock("Cargo.lock", text).unwrap().components[0].hashes;
    assert_eq!((hashes[0].algorithm.as_str(), hashes[0].digest.len()), ("SHA-256", 64));
}

#[test]
fn npm() {
    let text = r#"{ "name": "app", "lockfileVersion": 3, "packages": {
        "": { "name": "app", "version": "1.0.0" },
        "packages/own": { "version": "1.0.0" },
        "node_modules/own": { "resolved": "packages/own", "link": true },
        "node_modules/@babel/core": { "version": "7.24.0", "license": "MIT", "dev": true,
          "integrity": "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=" },
        "node_modules/a/node_modules/b": { "version": "2.0.0" },
        "node_modules/alias": { "name": "real", "version": "3.0.0" } } }"#;
    assert_eq!(
        purls("package-lock.json", text),
        ["pkg:npm/%40babel/core@7.24.0", "pkg:npm/b@2.0.0", "pkg:npm/real@3.0.0"]
    );
    let one = &read_lock("package-lock.json", text).unwrap().components[0];
    assert_eq!(
        (one.licences.as_slice(), one.hashes[0].algorithm.as_str()),
        (["MIT".to_owned()].as_slice(), "SHA-1")
    );
    assert_eq!(one.hashes[0].digest, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    let old = read_lock("package-lock.json", r#"{ "lockfileVersion": 1, "dependencies": {} }"#).unwrap_err();
    assert!(old.contains("version 1"), "{old}");
}

#[test]
fn yarn() {
    let text = "# yarn lockfile v1\n\n\n\"@babel/core@^7.0.0\", \"@babel/core@^7.1.0\":\n  version \"7.24.0\"\n  \
                resolved \"https://example.org/core.tgz#abc\"\n  integrity sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=\n  \
                dependencies:\n    version \"^9\"\n    left-pad \"^1.0.0\"\n\nalias@npm:real@^1.0.0:\n  version \"1.2.0\"\n\n\
                own@file:../own:\n  version \"1.0.0\"\n\nleft-pad@^1.0.0:\n  version \"1.3.0\"\n";
    assert_eq!(
        purls("yarn.lock", text),
        ["pkg:npm/%40babel/core@7.24.0", "pkg:npm/left-pad@1.3.0", "pkg:npm/real@1.2.0"]
    );
    assert!(read_lock("yarn.lock", "__metadata:\n  version: 8\n").is_err());
}

#[test]
fn pnpm() {
    let nine = "lockfileVersion: '9.0'\npackages:\n  '@babel/core@7.24.0':\n    resolution: {integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=}\n  \
                left-pad@1.3.0:\n    resolution: {integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=}\n  own@file:../own:\n    resolution: {directory: ../own}\n";
    let six = "lockfileVersion: '6.0'\npackages:\n  /@babel/core@7.24.0(x@1.0.0):\n    dev: true\n  /left-pad@1.3.0:\n    dev: false\n";
    let five = "lockfileVersion: 5.4\npackages:\n  /@babel/core/7.24.0_x@1.0.0:\n    dev: true\n  /left-pad/1.3.0:\n    dev: false\n";
    for text in [nine, six, five] {
        assert_eq!(purls("pnpm-lock.yaml", text), ["pkg:npm/%40babel/core@7.24.0", "pkg:npm/left-pad@1.3.0"]);
    }
    assert!(read_lock("pnpm-lock.yaml", "[]").is_err());
}

#[test]
fn requirements() {
    let text = "# comment\n-r other.txt\nDjango[argon2]==4.2.1 ; python_version > '3' # here\n\
                six===1.16.0 \\\n    --hash=sha256:8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254\n";
    assert_eq!(purls("requirements.txt", text), ["pkg:pypi/django@4.2.1", "pkg:pypi/six@1.16.0"]);
    assert_eq!(read_lock("requirements.txt", text).unwrap().components[1].hashes.len(), 1);
    let loose = read_lock("requirements.txt", "flask>=2\nsix==1.*\nx @ https://example.org/x==1\n").unwrap();
    assert_eq!(loose.components, []);
    assert!(loose.notes[0].contains("3 packages"), "{:?}", loose.notes);
}

#[test]
fn poetry_and_uv() {
    let poetry = "[[package]]\nname = \"Flask\"\nversion = \"3.0.0\"\nfiles = [\n    {file = \"f.whl\", hash = \"sha256:00\"},\n]\n\n\
                  [[package]]\nname = \"own\"\nversion = \"1\"\n[package.source]\ntype = \"directory\"\nurl = \"own\"\n\n[metadata]\nlock-version = \"2.0\"\n";
    assert_eq!(purls("poetry.lock", poetry), ["pkg:pypi/flask@3.0.0"]);
    let uv = "version = 1\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\nsource = { virtual = \".\" }\n\n\
              [[package]]\nname = \"six\"\nversion = \"1.16.0\"\nsource = { registry = \"https://example.org\" }\n";
    assert_eq!(purls("uv.lock", uv), ["pkg:pypi/six@1.16.0"]);
}

#[test]
fn pipfile() {
    let text = r#"{ "_meta": {}, "default": { "six": { "version": "==1.16.0" }, "own": { "path": "." } },
                   "develop": { "pytest": { "version": "==8.0.0" } } }"#;
    assert_eq!(purls("Pipfile.lock", text), ["pkg:pypi/pytest@8.0.0", "pkg:pypi/six@1.16.0"]);
}

#[test]
fn go() {
    let text = "module example.org/app\n\ngo 1.22.1\n\nrequire github.com/a/b v1.2.3\n\nrequire (\n\tgithub.com/C/d v0.1.0 // indirect\n\
                \tgithub.com/own/x v1.0.0\n\tgithub.com/e/f v1.0.0\n)\n\nreplace github.com/own/x => ../x\n\
                replace github.com/e/f v1.0.0 => github.com/g/h v2.0.0+incompatible\n";
    assert_eq!(
        purls("go.mod", text),
        [
            "pkg:golang/github.com/c/d@v0.1.0",
            "pkg:golang/github.com/a/b@v1.2.3",
            "pkg:golang/github.com/g/h@v2.0.0%2Bincompatible"
        ]
    );
    let old = read_lock("go.mod", "module x\ngo 1.16\nrequire a/b v1.0.0\n").unwrap();
    assert!(old.notes[0].contains("1.17"));
}

#[test]
fn gem() {
    let text = "PATH\n  remote: .\n  specs:\n    own (1.0.0)\n\nGEM\n  remote: https://example.org/\n  specs:\n    nokogiri (1.16.0-x86_64-linux)\n      \
                racc (~> 1.4)\n    racc (1.7.3)\n\nPLATFORMS\n  x86_64-linux\n\nDEPENDENCIES\n  racc\n";
    assert_eq!(purls("Gemfile.lock", text), ["pkg:gem/nokogiri@1.16.0-x86_64-linux", "pkg:gem/racc@1.7.3"]);
}

#[test]
fn composer() {
    let text = r#"{ "packages": [{ "name": "symfony/yaml", "version": "v6.4.0", "license": ["MIT"],
                     "dist": { "shasum": "" } }], "packages-dev": [{ "name": "phpunit/phpunit", "version": "10.0.0" }] }"#;
    assert_eq!(
        purls("composer.lock", text),
        ["pkg:composer/phpunit/phpunit@10.0.0", "pkg:composer/symfony/yaml@v6.4.0"]
    );
}

#[test]
fn what_is_broken_is_an_error_and_no_panic() {
    for name in [
        "Cargo.lock",
        "package-lock.json",
        "pnpm-lock.yaml",
        "poetry.lock",
        "Pipfile.lock",
        "go.mod",
        "Gemfile.lock",
        "composer.lock",
    ] {
        for text in ["", "{", "[[package]]", "\"", "[[package]]\nname = 3\n", "null", "\u{0}"] {
            let read = read_lock(name, text);
            assert!(read.is_err() || read.is_ok_and(|read| read.components.is_empty()), "{name} {text:?}");
        }
    }
    assert!(
        is_lock_file("web/yarn.lock") && !is_lock_file("node_modules/a/yarn.lock") && !is_lock_file("a.lock")
    );
}
