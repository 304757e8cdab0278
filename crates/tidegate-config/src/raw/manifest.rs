//! The top level of `tidegate.yaml`.

use super::command::Command;
use super::env::RawEnv;
use super::environment::RawEnvironment;
use super::flag::Flag;
use super::flags::{FlagFiles, RawFlags};
use super::job::RawJob;
use super::json::AnyJson;
use super::list::{ListOf, Named};
use super::name::NameText;
use super::pipeline::{RawPipeline, RawTest};
use super::record::record;
use super::route::RawRoute;
use super::service::RawService;
use super::text::Text;
use super::time::{DAY, Lasting, SECOND};

record! { replaced
    /// What Tidegate builds, runs and routes for one app: the file `tidegate.yaml` at the root of its repository.
    #[schemars(rename = "Manifest", extend("required" = ["app", "services"]))]
    RawManifest is "the manifest" {
        /// The app's name.
        app: NameText,
        /// How a build is made.
        build: RawBuild,
        /// How a build is tested.
        test: RawTest,
        /// What is done with a commit on its way into an environment. Default: `build` and `test`, where they are said, and then
        /// `deploy`.
        pipeline: RawPipeline,
        /// The app's services by name.
        services: Named<RawService>,
        /// Commands that are run on a schedule, by name.
        jobs: Named<RawJob>,
        /// What is done to a database: before the candidate gets traffic, and once nobody goes back any more.
        migrate: RawMigrate,
        /// Services that are rolled out as one, by the name of their train: those that call before those they call.
        trains: Named<ListOf<NameText>>,
        /// Where requests go.
        routes: ListOf<RawRoute>,
        /// Feature flags by key: what they may be, and for whom. What is served of them now is changed by `tidegate release`.
        flags: RawFlags,
        /// Files with more flags, in flagd's format: `[flags/*.yaml]`. Paths within the repository.
        flag_files: ListOf<Text<FlagFiles>>,
        /// Groups of users that rules of flags speak of, by name: `include` and `exclude` (lists of targeting keys), `rule`.
        segments: AnyJson,
        /// Backing services by name, each with what is to be known of it: `db: { url: "${secret.db_url}" }` gives `DB_URL` to every
        /// service, every job and the migration.
        resources: Named<RawEnv>,
        /// Variables of every service, every job and the migration.
        env: RawEnv,
        /// What differs between environments. Where none is declared, every name can be deployed to.
        environments: Named<RawEnvironment>,
    }
}

record! { replaced
    /// How a build is made: a command in a clean copy of the folder. Its environment holds no configuration.
    #[schemars(rename = "Build", extend("required" = ["run"]))]
    RawBuild is "`build`" {
        /// The command.
        run: Command,
        /// How long it may take. Default 30m.
        within: Lasting<SECOND, DAY>,
    }
}

record! { merged
    /// The migration: expand, deploy, contract. A failure of the expand step aborts the rollout with stable untouched.
    #[schemars(rename = "Migrate")]
    RawMigrate is "`migrate`" {
        /// The command, run in the candidate's build and environment: short for `expand: { run: … }`.
        run: Command,
        /// How long it may take. Default 10m.
        within: Lasting<SECOND, DAY>,
        /// Whether revisions from before it work after it. Default true; `false` refuses a rollback past it.
        reversible: Flag,
        /// The expand step in the long form: run before the candidate gets traffic.
        expand: RawExpand,
        /// The contract step: run once, when the revision has been stable for the rollback window.
        contract: RawContract,
    }
}

record! { merged
    /// The expand step: adds what the candidate needs. Run once for a build, before the candidate gets traffic.
    #[schemars(rename = "Expand", extend("required" = ["run"]))]
    RawExpand is "`expand`" {
        /// The command, run in the candidate's build and environment.
        run: Command,
        /// How long it may take. Default 10m.
        within: Lasting<SECOND, DAY>,
        /// Whether revisions from before it work after it. Default true; `false` refuses a rollback past it.
        reversible: Flag,
    }
}

record! { merged
    /// The contract step: removes what nothing needs any more.
    #[schemars(rename = "Contract", extend("required" = ["run"]))]
    RawContract is "`contract`" {
        /// The command, run in the stable revision's build and environment.
        run: Command,
        /// The rollback window: how long the revision has been stable, with no rollout in progress, before it is run.
        /// Default 24h.
        after: Lasting<0, { 30 * DAY }>,
        /// How long it may take. Default 10m.
        within: Lasting<SECOND, DAY>,
        /// Whether revisions from before it work after it. Default false: a rollback past it is refused.
        reversible: Flag,
    }
}
