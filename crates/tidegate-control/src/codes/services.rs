//! Of services, their rollouts, jobs and output.

use super::Explained;

pub(super) const CODES: &[Explained] = &[
    (
        "rollout::unknown",
        "There is no rollout of that number; old ones are forgotten. `tidegate events` lists them.",
    ),
    ("rollout::none", "Nothing was rolled out yet. `tidegate deploy` begins."),
    ("rollout::none-active", "No rollout of the service is in progress."),
    (
        "rollout::in-progress",
        "Another rollout of the service, or of its train, is in progress. Wait for it, or abort it.",
    ),
    ("rollout::not-now", "The rollout is in a phase in which this has no meaning; the message says which."),
    (
        "rollout::not-judged",
        "Nobody judged the rollout: there was nothing to compare, or its evidence is forgotten.",
    ),
    (
        "rollout::nothing-to-retry",
        "Only a rollout that was taken back or failed can be tried again, and it was not.",
    ),
    ("rollout::deploy-gone", "The deploy that the rollout was part of is forgotten. Deploy again."),
    (
        "rollout::route-taken",
        "A route of the revision belongs to another app by now. Take it from there first.",
    ),
    ("rollback::nothing", "The service has had one stable revision only: there is nothing to go back to."),
    ("rollback::already", "That revision is the stable one already."),
    ("rollback::in-progress", "A rollout to that revision is in progress already."),
    (
        "rollback::one-way",
        "A step of a migration that ran since says that earlier revisions do not work after it. Roll forward: mend it and deploy.",
    ),
    ("revision::unknown", "The environment has no revision of that number; old ones are forgotten."),
    (
        "revision::build-gone",
        "The build of the revision was removed to make room. Check its commit out and deploy it.",
    ),
    ("scale::too-many", "A service has at most 100 instances."),
    (
        "scale::fixed-port",
        "A service with a fixed port can have one instance only. Use `port: auto` and `$PORT`.",
    ),
    ("run::command", "A one-off command has 1 to 65,536 bytes and no NUL."),
    (
        "run::no-revision",
        "The service has no stable revision to run the command in. Say one: `--revision rN`.",
    ),
    ("run::no-service", "The revision does not have the service."),
    ("run::unknown", "There is no one-off command of that name; old ones are forgotten."),
    ("job::unknown", "There is no job of that name in the stable revision."),
    ("job::no-run", "The job has no run of that number; old ones are forgotten."),
    ("job::gone", "The stable revision does not have the job any more."),
    ("job::in-progress", "A run of the job is in progress, and its runs may not overlap."),
    ("logs::cursor", "What was given as `cursor` is none that `logs` gave: begin without one."),
    ("logs::unreadable", "The kept output cannot be read. `tidegate doctor` says more."),
    (
        "scope::ambiguous",
        "There are several apps or environments, and it was not said which: `--app NAME`, `-e ENVIRONMENT`.",
    ),
    ("scope::no-service", "The environment has no service of that name. The help lists those it has."),
    ("scope::nothing", "Nothing was deployed there: no such app, or no such environment of it."),
];
