//! Killing what runs besides the control plane: the gateway, a shim, an instance, everything at once.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tidegate_core::model::RevisionNo;
use tidegate_core::view::ServiceStatus;

use crate::support::{App, Load, Mix, Process, Tidegate, eventually, get, kill};

const HOST: &str = "bad.localhost";
const LONG: Duration = Duration::from_secs(20);
const RATE: f64 = 50.0;
/// What may fail until a dead gateway is back: the requests of two seconds.
const LOST_AT_MOST: u64 = 100;
/// Control plane, gateway, and for each of two instances its shim and its process.
const PROCESSES: usize = 6;

fn place() -> (Tidegate, App) {
    let (tidegate, mut app) = (Tidegate::up(), App::new());
    app.set("ready", "{ http: /up, every: 200ms }");
    tidegate.deploy_well(&app);
    (tidegate, app)
}

fn at_rest(service: &ServiceStatus) -> bool {
    let ready = service.instances.iter().filter(|instance| instance.state == "ready").count();
    service.phase == "idle" && (service.instances.len(), ready) == (2, 2)
}

fn nothing_is_left(tidegate: &Tidegate) {
    eventually("six processes and no more", LONG, || {
        (Process::all_of(&tidegate.data()).len() == PROCESSES).then_some(())
    });
}

fn version(tidegate: &Tidegate) -> Option<String> {
    get(tidegate.gateway(), HOST, "/version")
        .ok()
        .filter(|answer| answer.status == 200)
        .map(|answer| answer.body)
}

#[test]
fn a_killed_gateway_comes_back_and_the_rollout_goes_on() {
    let (tidegate, mut app) = place();
    let before = tidegate.gateway_pid().unwrap();
    let load = Load::start(&tidegate, HOST, RATE, Mix::Plain, None);
    tidegate.deploy_begin(app.next_version());
    tidegate.wait_for("the candidate has the traffic", LONG, |service| service.weight == 100);
    kill(before, 9);
    eventually("another gateway answers", LONG, || {
        let other = tidegate.gateway_pid().is_some_and(|pid| pid != before);
        (other && version(&tidegate).is_some()).then_some(())
    });
    let service = tidegate.wait_for("the rollout is over", LONG, at_rest);
    assert_eq!(service.stable.unwrap().revision, RevisionNo(2));
    assert_eq!(version(&tidegate).unwrap(), "2\n");
    let report = load.finish();
    assert!(report.failed + report.unsent <= LOST_AT_MOST, "{report}");
    nothing_is_left(&tidegate);
}

#[test]
fn a_gateway_serves_from_its_table_without_a_control_plane() {
    let (mut tidegate, _) = place();
    tidegate.kill9_control();
    let gone = tidegate.gateway_pid().unwrap();
    kill(gone, 9);
    eventually("the gateway is gone", LONG, || tidegate.gateway_pid().is_none().then_some(()));
    assert_eq!(version(&tidegate), None);
    let mut alone = Alone::start(&tidegate);
    eventually("it serves by itself", LONG, || version(&tidegate));
    tidegate.restart();
    assert_eq!(tidegate.gateway_pid(), Some(alone.0.id()), "it was found, not started twice");
    tidegate.wait_for("all is as before", LONG, at_rest);
    tidegate.down();
    alone.0.wait().unwrap();
}

/// A gateway started by hand.
struct Alone(Child);

impl Alone {
    fn start(tidegate: &Tidegate) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command.args(["gateway", "--listen", &tidegate.gateway().to_string(), "--dir"]);
        command.arg(tidegate.data().join("gateway")).stdout(Stdio::null()).stderr(Stdio::null());
        Alone(command.spawn().unwrap())
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_instance_of_a_killed_shim_is_ended_and_replaced() {
    let (tidegate, _) = place();
    let before = tidegate.service();
    let shim = Process::shims_of(&tidegate.data()).remove(0);
    let id = &before.instances.iter().find(|i| shim.command.contains(&format!("{}@", i.id))).unwrap().id;
    kill(shim.pid, 9);
    let after = tidegate.wait_for("it runs again", LONG, |service| {
        at_rest(service) && service.instances.iter().any(|instance| instance.restarts == 1)
    });
    for instance in &after.instances {
        let earlier = before.instances.iter().find(|other| other.id == instance.id).unwrap();
        assert_eq!(instance.pid != earlier.pid, instance.id == *id, "{after:#?}");
    }
    nothing_is_left(&tidegate);
    assert!(version(&tidegate).is_some());
    assert!(tidegate.story().contains("its shim was killed"), "{}", tidegate.story());
}

#[test]
fn a_killed_instance_is_started_again() {
    let (tidegate, _) = place();
    let before = tidegate.service().instances.remove(0);
    kill(before.pid.unwrap(), 9);
    let after = tidegate.wait_for("it runs again", LONG, |service| {
        at_rest(service) && service.instances.iter().any(|instance| instance.restarts == 1)
    });
    let again = after.instances.iter().find(|instance| instance.id == before.id).unwrap();
    assert_ne!(again.pid, before.pid);
    nothing_is_left(&tidegate);
    assert!(
        tidegate.story().contains("ended by itself: ended by signal 9 (SIGKILL)"),
        "{}",
        tidegate.story()
    );
}

/// Like the loss of power: nobody has time to write anything down.
#[test]
fn everything_at_once_in_a_rollout_comes_back_to_its_end() {
    let (mut tidegate, mut app) = place();
    app.set("strategy", "{ blue-green: { bake: 2s } }");
    tidegate.deploy_begin(app.next_version());
    tidegate.wait_for("the candidate has the traffic", LONG, |service| service.weight == 100);
    let data = tidegate.data();
    eventually("nothing runs any more", LONG, || {
        Process::all_of(&data).iter().for_each(|process| kill(process.pid, 9));
        Process::all_of(&data).is_empty().then_some(())
    });
    // A process that is being taken apart has no command line any more, and is no child that ended yet.
    eventually("the control plane has ended", LONG, || tidegate.control_ended().then_some(()));
    tidegate.restart();
    let service = tidegate.wait_for("the rollout is over", LONG, at_rest);
    // Whose instances were killed is taken back where they looked like a crash loop, and the reason says what they died of.
    let stable = service.stable.unwrap().revision;
    let back = stable == RevisionNo(1);
    assert!(!back || tidegate.explain().summary.contains("its shim was killed"), "{}", tidegate.story());
    let expected = if back { "1\n" } else { "2\n" };
    eventually("the stable version answers", LONG, || {
        version(&tidegate).filter(|version| version == expected)
    });
    nothing_is_left(&tidegate);
}

#[test]
fn everything_at_once_at_rest_comes_back_as_it_was() {
    let (mut tidegate, _) = place();
    let data = tidegate.data();
    eventually("nothing runs any more", LONG, || {
        Process::all_of(&data).iter().for_each(|process| kill(process.pid, 9));
        Process::all_of(&data).is_empty().then_some(())
    });
    // A process that is being taken apart has no command line any more, and is no child that ended yet.
    eventually("the control plane has ended", LONG, || tidegate.control_ended().then_some(()));
    tidegate.restart();
    let service = tidegate.wait_for("it runs again", LONG, at_rest);
    assert_eq!(service.stable.unwrap().revision, RevisionNo(1));
    eventually("it answers", LONG, || version(&tidegate));
    nothing_is_left(&tidegate);
}
