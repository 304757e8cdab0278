//! Manifests without errors, and what they resolve to.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tidegate_config::{Manifest, Resolved, Source, load, load_procfile, parse_env_file, render_plain};
use tidegate_core::model::{Autoscale, Check, Name, PortSpec, QueueSource, QueueTarget, StrategyKind};
use tidegate_core::time::Millis;

fn read(file: &str) -> Source {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/good").join(file);
    Source::new(file, fs::read_to_string(path).unwrap())
}

fn good(source: &Source) -> Manifest {
    let (manifest, diagnostics) = load(source);
    let shown: Vec<_> = diagnostics.iter().map(|diagnostic| render_plain(diagnostic, source)).collect();
    manifest.unwrap_or_else(|| panic!("{}", shown.join("\n")))
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn resolve(manifest: &Manifest, environment: &str) -> Resolved {
    manifest.resolve(&name(environment), &BTreeMap::new()).unwrap()
}

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_documented_manifest_resolves() {
    let source = read("product.yaml");
    let manifest = good(&source);
    insta::assert_debug_snapshot!("product", resolve(&manifest, "production"));
    let warnings: Vec<_> = load(&source).1.iter().map(|warning| render_plain(warning, &source)).collect();
    insta::assert_snapshot!("product_warnings", warnings.join("\n"));
}

#[test]
fn the_smallest_manifest_gets_every_default() {
    let manifest = good(&read("smallest.yaml"));
    assert_eq!(load(&read("smallest.yaml")).1, []);
    insta::assert_debug_snapshot!("smallest", resolve(&manifest, "production"));
}

#[test]
fn routes_say_what_is_done_on_the_way() {
    let manifest = good(&read("policies.yaml"));
    assert_eq!(load(&read("policies.yaml")).1, []);
    insta::assert_debug_snapshot!("policies", resolve(&manifest, "production").routes);
}

#[test]
fn jobs_get_their_defaults_and_what_an_environment_says() {
    let manifest = good(&read("jobs.yaml"));
    assert_eq!(load(&read("jobs.yaml")).1, []);
    insta::assert_debug_snapshot!("jobs", resolve(&manifest, "production").jobs);
    let staging = resolve(&manifest, "staging").jobs;
    let report = &staging[&name("report")];
    assert_eq!((report.schedule.as_str(), report.env["FORMAT"].as_str()), ("*/10 * * * * *", "txt"));
    assert_eq!((report.timezone.as_str(), report.env["LEVEL"].as_str()), ("Europe/Berlin", "info"));
    assert_eq!(staging[&name("sweep")], resolve(&manifest, "production").jobs[&name("sweep")]);
}

#[test]
fn migrations_have_two_steps_and_the_short_form_is_the_first() {
    let manifest = good(&read("migrate.yaml"));
    assert_eq!(load(&read("migrate.yaml")).1, []);
    let production = resolve(&manifest, "production").migrate.unwrap();
    assert_eq!((production.run.as_str(), production.one_way), ("npm run expand", true));
    let contract = production.contract.unwrap();
    assert_eq!((contract.run.as_str(), contract.after.to_string().as_str()), ("npm run contract", "2d"));
    assert!(contract.one_way, "unless it says otherwise");
    let staging = resolve(&manifest, "staging").migrate.unwrap().contract.unwrap();
    assert_eq!((staging.run.as_str(), staging.after.to_string().as_str()), ("npm run contract", "1h"));
    assert!(!staging.one_way);
    let short = "app: a\nservices: { web: { run: x } }\nmigrate: { run: m }";
    let short = resolve(&good(&Source::new("tidegate.yaml", short)), "production").migrate.unwrap();
    assert_eq!((short.run.as_str(), short.one_way, short.contract), ("m", false, None));
}

#[test]
fn services_say_how_their_requests_are_shared_out() {
    let manifest = good(&read("traffic.yaml"));
    // On one machine no instance is nearer than another.
    let warnings: Vec<_> =
        load(&read("traffic.yaml")).1.iter().map(|warning| warning.message.clone()).collect();
    assert_eq!(warnings, ["`zone_aware` is not used by this version yet"]);
    let near = "app: a\nservices: { web: { run: x, traffic: { balance: geographic, zone_aware: false } } }";
    let warnings: Vec<_> =
        load(&Source::new("tidegate.yaml", near)).1.iter().map(|it| it.message.clone()).collect();
    assert_eq!(warnings, ["`balance: geographic` is not used by this version yet"]);
    let production = resolve(&manifest, "production").services;
    let said: BTreeMap<_, _> =
        production.iter().map(|(name, spec)| (name.as_str(), (&spec.traffic, &spec.site))).collect();
    insta::assert_debug_snapshot!("traffic", said);
    assert!(production[&name("docs")].has_port() && production[&name("docs")].run.is_empty());

    for listens in ["api", "copies"] {
        assert_eq!(
            production[&name(listens)].port,
            PortSpec::Auto,
            "{listens} gets requests, so it has a port"
        );
    }

    let staging = &resolve(&manifest, "staging").services[&name("web")].traffic;
    assert_eq!((staging.outliers, staging.concurrency, staging.breaker), (None, None, None));
    assert!(staging.mirror.is_none() && staging.assign.rules.is_empty());
    assert_eq!(staging.timeouts.total, Some(tidegate_core::time::Millis::seconds(180)));
    assert_eq!(staging.timeouts.connect, said["web"].0.timeouts.connect, "what is not named is kept");
}

#[test]
fn an_environment_overrides_key_by_key() {
    let manifest = good(&read("overlays.yaml"));
    let staging = resolve(&manifest, "staging");
    let production = resolve(&manifest, "production");
    let (before, after) = (&staging.services[&name("web")], &production.services[&name("web")]);

    assert_eq!((before.port, after.port), (PortSpec::Fixed(8000), PortSpec::Auto));
    assert_eq!(before.probes.ready.as_ref().unwrap().check, Check::Command("./ready".to_owned()));
    assert_eq!(after.probes.ready.as_ref().unwrap().check, Check::Tcp);
    assert_eq!(after.probes.live, before.probes.live, "a probe the environment does not name is kept");
    assert_eq!((before.limits.pids, after.limits.pids), (Some(64), Some(64)));
    assert_eq!(after.limits.memory.unwrap().to_string(), "1GiB");
    assert_eq!(after.limits.cpu.unwrap().0, 500);
    assert_eq!((after.stop.signal, after.stop.grace.0), (2, 60_000));
    assert_eq!(after.strategy.kind, StrategyKind::Rolling);
    assert_eq!(staging.routes.len(), 2);
    assert_eq!(staging.routes[1].host, "*.example.com");
    assert_eq!(staging.routes[1].path, "/v1/api");
    assert_eq!(production.routes.len(), 1);
    assert!(staging.migrate.is_none());
    assert_eq!(production.migrate.unwrap().within.0, 3_600_000);
}

#[test]
fn variables_are_merged_and_the_env_file_wins() {
    let manifest = good(&read("overlays.yaml"));
    let file = parse_env_file(&Source::new(".env", "DEBUG=file\nNEW=1\n")).unwrap();
    let staging = resolve(&manifest, "staging");
    let web = name("web");
    assert_eq!(
        staging.services[&web].env,
        variables(&[("DEBUG", "false"), ("MODE", "0755"), ("NAME", "007")])
    );

    let production = manifest.resolve(&name("production"), &file).unwrap();
    let expected =
        [("DEBUG", "file"), ("LOG_LEVEL", "warn"), ("MODE", "0755"), ("NAME", "007"), ("NEW", "1")];
    assert_eq!(production.services[&web].env, variables(&expected));
    assert_eq!(
        production.migrate.unwrap().env,
        variables(&[("DEBUG", "file"), ("LOG_LEVEL", "warn"), ("MODE", "app"), ("NEW", "1")])
    );
    assert!(production.build_env.is_empty(), "configuration is never baked into a build");
}

#[test]
fn ports_follow_routes_probes_and_the_name_web() {
    let manifest = good(&read("overlays.yaml"));
    let services = resolve(&manifest, "staging").services;
    assert_eq!(services[&name("api")].port, PortSpec::Auto);
    assert_eq!(services[&name("worker")].port, PortSpec::None);
    assert!(services[&name("worker")].probes.ready.is_none());
    assert_eq!(services[&name("worker")].scale.max, 0);
    assert_eq!(services[&name("web")].probes.start_within.0, 120_000);
}

fn with_environments(environments: &str) -> Manifest {
    let text = format!("app: a\nservices: {{ web: {{ run: x }} }}\nenvironments: {environments}\n");
    good(&Source::new("tidegate.yaml", text))
}

#[test]
fn the_default_environment_is_production_or_the_only_one() {
    let default = |text: &str| with_environments(text).default_environment();
    assert_eq!(default("{}").unwrap(), name("production"));
    assert_eq!(default("{ live: {} }").unwrap(), name("live"));
    assert_eq!(default("{ staging: {}, production: {} }").unwrap(), name("production"));
    let error = default("{ staging: {}, live: {} }").unwrap_err();
    assert_eq!(error.code, "manifest::which-environment");
    assert_eq!(error.help.unwrap(), "say which one: `-e NAME` with one of `live`, `staging`");
}

#[test]
fn an_undeclared_environment_is_refused_where_others_are_declared() {
    let none = BTreeMap::new();
    assert!(with_environments("{}").resolve(&name("anything"), &none).is_ok());
    let error = with_environments("{ staging: {} }").resolve(&name("stagng"), &none).unwrap_err();
    assert_eq!(error[0].message, "the environment `stagng` is not declared; did you mean `staging`?");
}

#[test]
fn variables_from_elsewhere_are_checked_and_not_quoted() {
    let manifest = with_environments("{}");
    let file = variables(&[("PORT", "hunter2"), ("a b", "hunter2"), ("NUL", "hunter2\0"), ("", "hunter2")]);
    let errors = manifest.resolve(&name("production"), &file).unwrap_err();
    let codes: Vec<_> = errors.iter().map(|error| error.code.as_str()).collect();
    assert_eq!(
        codes,
        ["env-file::bad-name", "env-file::bad-text", "env-file::reserved", "env-file::bad-name"]
    );
    assert!(!format!("{errors:?}").contains("hunter2"));
}

#[test]
fn a_procfile_alone_is_a_manifest() {
    let text = "# comment\nrelease: ./migrate\nweb: gunicorn app:app -b :$PORT\n\nworker:python worker.py\n";
    let (manifest, diagnostics) = load_procfile(&Source::new("Procfile", text), "shop");
    assert_eq!(diagnostics, []);
    insta::assert_debug_snapshot!("procfile", resolve(&manifest.unwrap(), "production"));
}

#[test]
fn the_app_of_a_procfile_is_named_after_its_folder_as_far_as_that_can_be_a_name() {
    let load = |folder| load_procfile(&Source::new("Procfile", "web: x\n"), folder);
    for (folder, app) in [("My Shop", "my-shop"), ("shop_2", "shop-2"), ("no", "no-1")] {
        assert_eq!(load(folder).0.unwrap().app().as_str(), app);
    }
    let (manifest, diagnostics) = load("123");
    assert!(manifest.is_none());
    assert_eq!(diagnostics[0].code, "manifest::bad-name");
}

#[test]
fn what_a_number_of_instances_follows_is_taken_over() {
    let source = read("scaling.yaml");
    let (manifest, warnings) = (good(&source), load(&source).1);
    let services = resolve(&manifest, "production").services;
    let of = |service: &str| services[&name(service)].clone();
    let web = of("web").autoscale.unwrap();
    assert_eq!(
        (web.rps, web.concurrency, web.cpu, web.p95),
        (Some(50), Some(20), Some(70), Some(Millis(250)))
    );
    assert_eq!((web.up_after, web.down_after, web.idle), (Millis::seconds(20), Millis::seconds(600), None));
    let docs = of("docs");
    assert_eq!((docs.scale.min, docs.scale.max), (0, 1));
    let asleep = docs.autoscale.unwrap();
    assert_eq!((asleep.idle, asleep.hold), (Some(Millis::seconds(300)), Millis::seconds(30)));
    let worker = of("worker").autoscale.unwrap();
    assert_eq!(worker.idle, Some(Autoscale::IDLE));
    let source = QueueSource::Http("http://127.0.0.1:9000/length".to_owned());
    assert_eq!(worker.queue, Some(QueueTarget { source, target: 100, every: Millis::seconds(5) }));
    assert_eq!(of("fixed").autoscale, None);
    let office = of("office").autoscale.unwrap().schedule;
    let bounds: Vec<_> = office.iter().map(|it| (it.days, it.from, it.to, it.min, it.max)).collect();
    assert_eq!(bounds, [(0b001_1111, 480, 1_080, 3, 4), (0b111_1111, 1_320, 360, 1, 1)]);
    let told: Vec<_> = warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(
        told,
        [
            "there are always 2 instances, whatever the load is",
            "nothing says what the number of instances is to follow"
        ]
    );
}

#[test]
fn a_command_may_be_a_list_of_words_that_no_shell_reads() {
    let text =
        |run: &str| Source::new("tidegate.yaml", format!("app: shop\nservices:\n  web: {{ run: {run} }}\n"));
    let run = |text: &Source| {
        let resolved = resolve(&good(text), "production");
        resolved.services[&name("web")].run.clone()
    };
    assert_eq!(run(&text("[node, server.js, \"a b\", \"$HOME\"]")), r#"["node","server.js","a b","$HOME"]"#);
    assert_eq!(run(&text("node server.js")), "node server.js");
    for bad in ["[]", "['']", "[node, 1]", "[node, [x]]", "[node, \"a\\0b\"]", "{ node: x }"] {
        let source = text(bad);
        let (manifest, diagnostics) = load(&source);
        assert!(manifest.is_none() || !diagnostics.is_empty(), "{bad}");
    }
}
