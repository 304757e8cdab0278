//! The client: a typed method for every endpoint, over TCP or the unix socket of a data directory.
//!
//! Used by the command line. A connection a request: whoever types commands does not notice, and nothing has to be kept.

mod access;
mod audit;
mod connection;
mod environments;
mod error;
mod identity;
mod lines;
mod pipeline;
mod provenance;
mod request;
mod setting;
mod source;
mod trust;
mod upload;

use std::path::{Path, PathBuf};

use http::Method;
use tidegate_control::{
    DeployRequest, EventQuery, FlagRef, LogPage, LogQuery, PlanRequest, Scope, ServiceRef, TrafficView,
    UpgradeView,
};
use tidegate_core::experiment::{EventBatch, EventsTaken};
use tidegate_core::judge::Bundle;
use tidegate_core::model::{FlagKey, InstanceId, Name, RolloutId};
use tidegate_core::release::Asked;
use tidegate_core::view::{
    DeployView, DoctorReport, ExperimentList, ExperimentView, Explanation, FlagDebtView, FlagHistory,
    FlagKeyList, FlagKeyMade, FlagKeyView, FlagList, FlagSetView, FlagView, JobHistory, JobList, JobRunView,
    JobView, PlanReport, ReleasedView, RolloutView, RunView, ServiceStatus, Status, TimelineEvent,
};

use crate::token::Token;
use crate::wire::{
    ActParams, DEPLOY_TYPE, DebtParams, EventParams, ExplainParams, FlagKeyBody, GitUrlParams, GitUrls,
    Health, LogParams, PushBody, PushLine, RollbackBody, RolloutAction, RunBody, ScaleBody, ScopeParams,
    SteerParams, StopExperimentBody,
};
use connection::Address;
pub use error::ClientError;
pub use lines::Lines;
use request::Ask;

/// A way to a server. Cheap to clone; connects for each request.
#[derive(Clone, Debug)]
pub struct Client {
    address: Address,
    token: Option<Token>,
}

impl Client {
    /// By the unix socket `api.sock` of a data directory.
    pub fn unix(socket: impl Into<PathBuf>) -> Self {
        Client { address: Address::Unix(socket.into()), token: None }
    }

    /// By an address such as `http://127.0.0.1:7070` or `https://tidegate.example`, which one of the authorities that the system
    /// believes has to vouch for.
    ///
    /// # Errors
    /// Where the text is no such address, or the system believes nobody.
    pub fn http(url: &str, token: Option<Token>) -> Result<Self, ClientError> {
        Self::vouched(url, token, None)
    }

    /// The same; `ca`: a PEM file with the authorities to believe instead.
    ///
    /// # Errors
    /// As for [`Client::http`], and where the file holds none.
    pub fn vouched(url: &str, token: Option<Token>, ca: Option<&Path>) -> Result<Self, ClientError> {
        Ok(Client { address: Address::parse(url, ca)?, token })
    }

    /// An address as this client writes it: one text for each server.
    ///
    /// # Errors
    /// Where the text is no such address.
    pub fn address_of(url: &str) -> Result<String, ClientError> {
        let (secure, host, port) = connection::parts(url)?;
        Ok(format!("{}://{host}:{port}", if secure { "https" } else { "http" }))
    }

    /// The same with another token, or none.
    pub fn with_token(self, token: Option<Token>) -> Self {
        Client { token, ..self }
    }

    /// Where it connects to, for messages.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Whether a control plane answers, and which.
    pub async fn health(&self) -> Result<Health, ClientError> {
        self.json(Ask::get("/v1/health")).await
    }

    /// Begins a deploy. `pack` writes the snapshot's tar; it is called on a thread of its own while the server reads.
    pub async fn deploy(
        &self,
        request: &DeployRequest,
        pack: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()> + Send + 'static,
    ) -> Result<DeployView, ClientError> {
        upload::send_to(self, ("/v1/deploys", DEPLOY_TYPE), request, pack).await
    }

    /// A deploy, while it runs and after.
    pub async fn deploy_view(&self, id: u64) -> Result<DeployView, ClientError> {
        self.json(Ask::get(&format!("/v1/deploys/{id}"))).await
    }

    /// What a deploy would do.
    pub async fn plan(&self, request: &PlanRequest) -> Result<PlanReport, ClientError> {
        self.json(Ask::post("/v1/plan").body(request)?).await
    }

    /// An environment of an app, now.
    pub async fn status(&self, scope: &Scope) -> Result<Status, ClientError> {
        self.json(Ask::get("/v1/status").query(&ScopeParams::from(scope.clone()))?).await
    }

    /// The rollout in progress of a service, or its last one.
    pub async fn rollout(&self, service: &ServiceRef) -> Result<RolloutView, ClientError> {
        self.json(service_ask(Method::GET, service, "rollout")?).await
    }

    /// Asks something of a rollout. `break_glass`: why a protected environment is changed by hand.
    pub async fn act(
        &self,
        service: &ServiceRef,
        action: RolloutAction,
        (by, break_glass): (&str, Option<String>),
    ) -> Result<RolloutView, ClientError> {
        let Scope { app, environment } = service.scope.clone();
        let path = format!("/v1/services/{}/rollout/{}", service.service, action.as_str());
        let asked = SteerParams { app, environment, by: by.to_owned(), break_glass };
        self.json(Ask::new(Method::POST, &path).query(&asked)?).await
    }

    /// Goes back to a revision.
    pub async fn rollback(
        &self,
        service: &ServiceRef,
        body: &RollbackBody,
    ) -> Result<RolloutView, ClientError> {
        self.json(service_ask(Method::POST, service, "rollback")?.body(body)?).await
    }

    /// Sets the number of instances.
    pub async fn scale(&self, service: &ServiceRef, body: &ScaleBody) -> Result<ServiceStatus, ClientError> {
        self.json(service_ask(Method::PUT, service, "scale")?.body(body)?).await
    }

    /// Starts a one-off command.
    pub async fn run(&self, service: &ServiceRef, body: &RunBody) -> Result<RunView, ClientError> {
        self.json(service_ask(Method::POST, service, "runs")?.body(body)?).await
    }

    /// A one-off command.
    pub async fn run_view(&self, id: &InstanceId) -> Result<RunView, ClientError> {
        self.json(Ask::get(&format!("/v1/runs/{}", request::segment(&id.0)))).await
    }

    /// Stops a one-off command.
    pub async fn run_stop(&self, id: &InstanceId) -> Result<RunView, ClientError> {
        self.json(Ask::post(&format!("/v1/runs/{}/stop", request::segment(&id.0)))).await
    }

    /// The jobs of an environment.
    pub async fn jobs(&self, scope: &Scope) -> Result<JobList, ClientError> {
        self.json(Ask::get("/v1/jobs").query(&ScopeParams::from(scope.clone()))?).await
    }

    /// A job.
    pub async fn job(&self, job: &ServiceRef) -> Result<JobView, ClientError> {
        self.json(job_ask(Method::GET, job, "")?).await
    }

    /// The runs of a job, the newest first.
    pub async fn job_history(&self, job: &ServiceRef) -> Result<JobHistory, ClientError> {
        self.json(job_ask(Method::GET, job, "/runs")?).await
    }

    /// Has a job run now.
    pub async fn job_start(&self, job: &ServiceRef) -> Result<JobRunView, ClientError> {
        self.json(job_ask(Method::POST, job, "/runs")?).await
    }

    /// The flags of an environment.
    pub async fn flags(&self, scope: &Scope) -> Result<FlagList, ClientError> {
        self.json(Ask::get("/v1/flags").query(&ScopeParams::from(scope.clone()))?).await
    }

    /// A flag.
    pub async fn flag(&self, flag: &FlagRef) -> Result<FlagView, ClientError> {
        self.json(flag_ask(Method::GET, flag, "")?).await
    }

    /// The releases of a flag, the newest first.
    pub async fn flag_history(&self, flag: &FlagRef) -> Result<FlagHistory, ClientError> {
        self.json(flag_ask(Method::GET, flag, "/releases")?).await
    }

    /// What Git says of an environment's flags, and what is served of them.
    pub async fn flag_set(&self, scope: &Scope) -> Result<FlagSetView, ClientError> {
        self.json(Ask::get("/v1/flag-set").query(&ScopeParams::from(scope.clone()))?).await
    }

    /// Flags that are left over.
    pub async fn flag_debt(&self, scope: &Scope, days: Option<u64>) -> Result<FlagDebtView, ClientError> {
        let Scope { app, environment } = scope.clone();
        self.json(Ask::get("/v1/flag-debt").query(&DebtParams { app, environment, days })?).await
    }

    /// Changes what a flag serves.
    pub async fn release(&self, flag: &FlagRef, asked: &Asked) -> Result<ReleasedView, ClientError> {
        self.json(flag_ask(Method::POST, flag, "/releases")?.body(asked)?).await
    }

    /// Events, oldest first; with `follow` the lines go on as events happen.
    pub async fn events(&self, query: EventQuery, follow: bool) -> Result<Lines<TimelineEvent>, ClientError> {
        self.lines(Ask::get("/v1/events").query(&EventParams::of(query, follow))?).await
    }

    /// Output by pages; with `follow` pages go on as lines are written.
    pub async fn logs(&self, query: LogQuery, follow: bool) -> Result<Lines<LogPage>, ClientError> {
        self.lines(Ask::get("/v1/logs").query(&LogParams::of(query, follow))?).await
    }

    /// Why a rollout ended as it did.
    pub async fn explain(
        &self,
        scope: &Scope,
        rollout: Option<RolloutId>,
    ) -> Result<Explanation, ClientError> {
        let Scope { app, environment } = scope.clone();
        self.json(Ask::get("/v1/explain").query(&ExplainParams { app, environment, rollout })?).await
    }

    /// The proof of a rollout's verdict: of the given one, or of the service's last.
    pub async fn proof(
        &self,
        service: &ServiceRef,
        rollout: Option<RolloutId>,
    ) -> Result<Bundle, ClientError> {
        let Scope { app, environment } = service.scope.clone();
        let path = format!("/v1/services/{}/rollout/proof", service.service);
        self.json(Ask::get(&path).query(&ExplainParams { app, environment, rollout })?).await
    }

    /// What a service's stable revision answered in the last days.
    pub async fn traffic(&self, service: &ServiceRef) -> Result<TrafficView, ClientError> {
        self.json(service_ask(Method::GET, service, "traffic")?).await
    }

    /// Sends events of users for the experiments of an environment.
    pub async fn exposures(&self, scope: &Scope, batch: &EventBatch) -> Result<EventsTaken, ClientError> {
        self.json(Ask::post("/v1/exposures").query(&ScopeParams::from(scope.clone()))?.body(batch)?).await
    }

    /// The experiments of an environment.
    pub async fn experiments(&self, scope: &Scope) -> Result<ExperimentList, ClientError> {
        self.json(Ask::get("/v1/experiments").query(&ScopeParams::from(scope.clone()))?).await
    }

    /// The experiment of a flag.
    pub async fn experiment(&self, scope: &Scope, flag: &FlagKey) -> Result<ExperimentView, ClientError> {
        let path = format!("/v1/experiments/{flag}");
        self.json(Ask::get(&path).query(&ScopeParams::from(scope.clone()))?).await
    }

    /// Ends the experiment of a flag.
    pub async fn experiment_stop(
        &self,
        scope: &Scope,
        flag: &FlagKey,
        by: &str,
        why: Option<String>,
    ) -> Result<ExperimentView, ClientError> {
        let ask =
            Ask::post(&format!("/v1/experiments/{flag}/stop")).query(&ScopeParams::from(scope.clone()))?;
        self.json(ask.body(&StopExperimentBody { by: by.to_owned(), why })?).await
    }

    /// The keys to the flags of an environment.
    pub async fn flag_keys(&self, scope: &Scope) -> Result<FlagKeyList, ClientError> {
        self.json(Ask::get("/v1/flag-keys").query(&ScopeParams::from(scope.clone()))?).await
    }

    /// Makes a key to the flags of an environment.
    pub async fn flag_key_create(
        &self,
        scope: &Scope,
        body: &FlagKeyBody,
        by: &str,
    ) -> Result<FlagKeyMade, ClientError> {
        self.json(Ask::post("/v1/flag-keys").query(&act(scope, by))?.body(body)?).await
    }

    /// Revokes a key, by its id or name.
    pub async fn flag_key_revoke(
        &self,
        scope: &Scope,
        which: &str,
        by: &str,
    ) -> Result<FlagKeyView, ClientError> {
        let path = format!("/v1/flag-keys/{}/revoke", request::segment(which));
        self.json(Ask::post(&path).query(&act(scope, by))?).await
    }

    /// Where an app's Git repository is. `by`: who will push.
    pub async fn git_urls(&self, app: &Name, by: &str) -> Result<GitUrls, ClientError> {
        let params = GitUrlParams { app: app.clone(), by: by.to_owned() };
        self.json(Ask::get("/v1/git/url").query(&params)?).await
    }

    /// Begins the runs of a push and follows them.
    pub async fn git_push(&self, body: &PushBody) -> Result<Lines<PushLine>, ClientError> {
        self.lines(Ask::post("/v1/git/pushes").body(body)?).await
    }

    /// What the machine can and cannot do.
    pub async fn doctor(&self) -> Result<DoctorReport, ClientError> {
        self.json(Ask::get("/v1/doctor")).await
    }

    /// Has gateway and control plane replaced by the program on disk. The control plane goes on as that right afterwards.
    pub async fn upgrade(&self) -> Result<UpgradeView, ClientError> {
        self.json(Ask::post("/v1/upgrade")).await
    }

    /// Stops everything. The server's process ends later, when all is stopped.
    pub async fn down(&self) -> Result<(), ClientError> {
        self.json::<serde_json::Value>(Ask::post("/v1/down")).await.map(drop)
    }
}

fn act(scope: &Scope, by: &str) -> ActParams {
    ActParams { app: scope.app.clone(), environment: scope.environment.clone(), by: by.to_owned() }
}

fn job_ask(method: Method, job: &ServiceRef, rest: &str) -> Result<Ask, ClientError> {
    let path = format!("/v1/jobs/{}{rest}", job.service);
    Ask::new(method, &path).query(&ScopeParams::from(job.scope.clone()))
}

fn flag_ask(method: Method, flag: &FlagRef, rest: &str) -> Result<Ask, ClientError> {
    let path = format!("/v1/flags/{}{rest}", flag.flag);
    Ask::new(method, &path).query(&ScopeParams::from(flag.scope.clone()))
}

fn service_ask(method: Method, service: &ServiceRef, rest: &str) -> Result<Ask, ClientError> {
    let path = format!("/v1/services/{}/{rest}", service.service);
    Ask::new(method, &path).query(&ScopeParams::from(service.scope.clone()))
}
