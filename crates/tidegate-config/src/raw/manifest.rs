//! The top level of `tidegate.yaml`.

use super::command::Command;
use super::env::RawEnv;
use super::environment::RawEnvironment;
use super::job::RawJob;
use super::later::Later;
use super::list::{ListOf, Named};
use super::name::NameText;
use super::record::record;
use super::route::RawRoute;
use super::service::RawService;
use super::time::{DAY, Lasting, SECOND};

record! { replaced
    /// What Tidegate builds, runs and routes for one app: the file `tidegate.yaml` at the root of its repository.
    #[schemars(rename = "Manifest", extend("required" = ["app", "services"]))]
    RawManifest is "the manifest" {
        /// The app's name.
        app: NameText,
        /// How a build is made.
        build: RawBuild,
        /// How a build is tested. Not used by this version yet.
        #[expect(dead_code, reason = "reading it warns")]
        test: Later,
        /// The app's services by name.
        services: Named<RawService>,
        /// Commands that are run on a schedule, by name.
        jobs: Named<RawJob>,
        /// A command run once per rollout, before the candidate gets traffic.
        migrate: RawMigrate,
        /// Where requests go.
        routes: ListOf<RawRoute>,
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
    /// The migration step. A failure aborts the rollout with stable untouched.
    #[schemars(rename = "Migrate")]
    RawMigrate is "`migrate`" {
        /// The command, run in the candidate's build and environment.
        run: Command,
        /// How long it may take. Default 10m.
        within: Lasting<SECOND, DAY>,
    }
}
