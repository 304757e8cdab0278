//! Processes beside a step: a database for the tests.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;

use tidegate_core::model::{BesideSpec, Name, StepSpec};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::child::Group;

/// Between two looks at a port.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Those of a step: they end with this value.
pub(super) struct Beside {
    /// What the step is told of them.
    pub(super) env: BTreeMap<String, String>,
    /// Held, so that they run.
    _running: Vec<Group>,
}

/// Starts all of them and waits until each accepts. `Err`: why not, for people.
pub(super) async fn start(
    step: &StepSpec,
    dir: &Path,
    base: &BTreeMap<String, String>,
    label: &str,
) -> Result<Beside, String> {
    let mut beside = Beside { env: BTreeMap::new(), _running: Vec::new() };
    for (name, spec) in &step.beside {
        let port = free_port().map_err(|error| format!("no port for `{name}`: {error}"))?;
        let running = start_one(name, spec, port, dir, base, label).await?;
        beside._running.push(running);
        let [port_name, address_name] = BesideSpec::variables(name);
        beside.env.insert(port_name, port.to_string());
        beside.env.insert(address_name, format!("127.0.0.1:{port}"));
    }
    Ok(beside)
}

async fn start_one(
    name: &Name,
    spec: &BesideSpec,
    port: u16,
    dir: &Path,
    base: &BTreeMap<String, String>,
    label: &str,
) -> Result<Group, String> {
    let mut env = base.clone();
    env.extend(spec.env.clone());
    env.insert("PORT".to_owned(), port.to_string());
    let label = format!("{label} {name}");
    let mut group =
        Group::start(&spec.run, dir, &env, &label).map_err(|error| format!("`{name}`: {error}"))?;
    let deadline = Instant::now() + spec.within.to_std();
    loop {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
            return Ok(group);
        }
        if group.has_ended() {
            return Err(format!("`{name}`, which runs beside it, ended before its port accepted"));
        }
        if Instant::now() >= deadline {
            return Err(format!(
                "`{name}`, which runs beside it, does not accept on its port after {}",
                spec.within
            ));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
