//! Of deploys, Git, pipelines and environments.

use super::Explained;

pub(super) const CODES: &[Explained] = &[
    (
        "deploy::variant-in-use",
        "A flag serves a variant, now or by a schedule, that these definitions do not have. Release another one first, as by \
         `tidegate release off FLAG`, or leave the variant defined.",
    ),
    (
        "deploy::experiment-runs",
        "An experiment runs on a flag, and these definitions deal its users out, or measure, in another way: what it finds would be \
         wrong. Stop the experiment first, or leave the flag as it is.",
    ),
    (
        "deploy::flags-not-servable",
        "With what is released the gateway could not serve these flags: a rule names what is not there. The message says which.",
    ),
    (
        "deploy::flags-too-large",
        "The environment's flags, those kept for code that serves among them, have more than 3 MiB, or those of all environments \
         together more than 48 MiB. `tidegate flag debt` lists what can go.",
    ),
    (
        "deploy::no-manifest",
        "The snapshot has neither a `tidegate.yaml` nor a `Procfile`. `tidegate init` writes one.",
    ),
    ("deploy::manifest-unreadable", "The manifest of the snapshot cannot be read as text."),
    (
        "deploy::snapshot-refused",
        "The snapshot has something that no snapshot has: a path out of its folder, a device, or too much of it.",
    ),
    ("deploy::unreadable", "A file of the snapshot cannot be read on the server."),
    ("deploy::spool", "The upload cannot be written to the data directory. `tidegate doctor` says more."),
    ("deploy::disk", "The disk of the data directory could not be asked for its space."),
    (
        "deploy::disk-full",
        "The disk is too full for a deploy. What serves goes on; free some space and deploy again.",
    ),
    ("deploy::route-taken", "Another app, or another environment, has a route of the same host and path."),
    ("deploy::unknown", "There is no deploy of that number; old ones are forgotten."),
    ("plan::flags", "What was sent as `flags` with a plan is no JSON."),
    ("git::moved", "Somebody else moved the branch meanwhile: fetch, merge and push again."),
    ("git::not-served", "This Tidegate does not serve Git."),
    ("git::other-app", "The manifest in the commit is of another app than the repository."),
    ("git::unreadable", "The repository or a commit of it cannot be read. `tidegate doctor` says more."),
    (
        "git::address",
        "The address of a repository cannot be used: write it as the host shows it for cloning, without a token in it.",
    ),
    (
        "git::connect",
        "What was said about a repository to follow does not fit together; the message says what.",
    ),
    ("git::follows", "The app follows a repository elsewhere: push there, or have it follow nothing."),
    (
        "git::keys",
        "What opens the repository cannot be read in the data directory. Connect the repository again.",
    ),
    (
        "git::many-branches",
        "The repository has more branches to follow than is possible. Name those that count.",
    ),
    ("git::many-sources", "As many repositories are followed as may be. Disconnect one."),
    ("git::no-source", "The app follows no repository. `tidegate git connect URL` connects one."),
    ("git::secret", "The secret of a webhook has 16 to 256 characters without blanks."),
    (
        "git::source-unreadable",
        "The repository cannot be read from here; the message says what came of trying.",
    ),
    ("hook::busy", "Too many large webhooks come at the same time. Their hosts send them again."),
    (
        "hook::forged",
        "The signature of the webhook is not that of the secret that was told to its host. Nothing was done.",
    ),
    ("hook::guessing", "Too many webhooks from one place were not their host's. Others from there wait."),
    ("hook::malformed", "The webhook's body is not what its host sends."),
    ("hook::replayed", "The webhook came before. Nothing is done twice."),
    ("hook::stale", "The webhook was signed too long ago to be taken now. Nothing was done."),
    ("hook::too-often", "Too many webhooks of the app come in a short time. Others wait."),
    (
        "hook::unsigned",
        "The webhook has no signature. Its host is to be told the secret of `tidegate git connect`.",
    ),
    ("pipeline::unknown", "There is no run of that number; old ones are forgotten."),
    ("pipeline::no-stage", "The run has no stage, or no step, of that name. The message lists those it has."),
    ("pipeline::over", "The run is over: nothing of it can be cancelled or approved."),
    (
        "pipeline::nothing-to-retry",
        "Only a run that failed or was cancelled, and that no newer one has taken the place of, can be tried again.",
    ),
    ("pipeline::files-gone", "The files of the run were removed to make room. Push the commit again."),
    ("pipeline::other-app", "The commit's manifest is of another app than the repository it was pushed to."),
    ("pipeline::too-many", "As many runs are open as there may be. Wait for them, or cancel some."),
    ("pipeline::too-large", "The run would be too large to be kept: make its manifest smaller."),
    (
        "promote::nothing",
        "No run of the environment to promote from has come far enough: there is no build to carry on.",
    ),
    (
        "promote::from",
        "Which environment to promote from is not said, neither on the command line nor by `promote_from`.",
    ),
    ("promote::not-from", "The environment takes promotions from another one, or from none."),
    ("promote::branch", "The commit cannot be reached from a branch that the environment takes."),
    ("approve::not-needed", "The run waits for no approval."),
    ("approve::refused", "Who asks may not approve this run: its author may not, and nobody approves twice."),
    (
        "environment::protected",
        "The environment is protected: nothing but the run of a commit of an allowed branch may change it. The help says which way \
         leads there; `--break-glass WHY` passes in an emergency, and is told to everybody.",
    ),
    ("environment::leaving", "The environment is being taken down. Once it is gone it can come again."),
    (
        "environment::of-branches",
        "The environment stands for those of branches: nothing runs in it itself. Push one of its branches.",
    ),
    (
        "environment::rules",
        "The environment takes commits of other branches, or promotions of another environment, as the commit that came there last \
         says. A commit does not make its own way: change the rules there first.",
    ),
    (
        "environment::taken",
        "Something else stands where this environment was to come; the message says what.",
    ),
    ("environment::no-reason", "`--break-glass` needs a reason that somebody else can understand later."),
];
