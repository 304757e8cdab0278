//! Real databases beside steps, where the machine has them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tidegate_backend::{LogCursor, Logs};
use tidegate_core::model::{BesideSpec, RunState, StageWork, StepSpec};
use tidegate_core::time::Millis;

use super::yard::{Yard, stage, step};

/// Starts a database of its own in its home, and tells one word of it.
const POSTGRES: &str = "initdb -D \"$HOME/db\" -U postgres -A trust >/dev/null && exec postgres -D \"$HOME/db\" -p \"$PORT\" \
                        -c listen_addresses=127.0.0.1 -c unix_socket_directories=";
const ASKS_POSTGRES: &str = "psql -h 127.0.0.1 -p \"$DB_PORT\" -U postgres -tAc \"create table t (word text); insert into t values \
                             ('of postgres')\" -c 'select word from t'";
const REDIS: &str = "exec redis-server --port \"$PORT\" --bind 127.0.0.1 --save '' --dir \"$HOME\"";
const ASKS_REDIS: &str =
    "redis-cli -p \"$DB_PORT\" set word 'of redis' && redis-cli -p \"$DB_PORT\" get word";

#[test]
fn real_databases_run_beside_steps() {
    // Debian keeps the programs of a server apart, by version.
    let kept = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let postgres = kept.map(|version| version.path().join("bin")).find(|bin| bin.join("initdb").exists());
    let redis = Path::new("/usr/bin/redis-server").exists();
    let path = |bin: &Path| format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display());
    let one = |name: &str, run: &str, asks: &str, bin: &Path| {
        let env: BTreeMap<String, String> = [("PATH".to_owned(), path(bin))].into();
        let db = BesideSpec { run: run.to_owned(), env: env.clone(), within: Millis::seconds(20) };
        StepSpec { env, beside: [("db".parse().unwrap(), db)].into(), ..step(name, asks) }
    };
    let mut steps = Vec::new();
    match &postgres {
        Some(bin) => steps.push(one("postgres", POSTGRES, ASKS_POSTGRES, bin)),
        None => println!("skipped: there is no PostgreSQL on this machine"),
    }
    if redis {
        steps.push(one("redis", REDIS, ASKS_REDIS, Path::new("/usr/bin")));
    } else {
        println!("skipped: there is no Redis on this machine");
    }
    if steps.is_empty() {
        return;
    }
    let yard = Yard::new();
    yard.begin(vec![stage("test", StageWork::Steps(steps), &[])]);
    let run = yard.over();
    let said = yard.output(&run, 0);
    let ids = run.stages[0].steps.iter().flat_map(|step| &step.beside).cloned().collect::<Vec<_>>();
    let logs = || yard.logs.after(&ids, &LogCursor::default(), 1_000);
    assert_eq!(run.state, RunState::Succeeded, "{run:#?}\n{said:#?}\n{:#?}", logs());
    for (there, word) in [(postgres.is_some(), "of postgres"), (redis, "of redis")] {
        assert_eq!(said.iter().any(|line| line == word), there, "{said:#?}");
    }
}
