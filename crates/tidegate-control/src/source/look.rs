//! One look at a repository: what is new there comes into ours, and begins runs.
//!
//! Called by the scout, on a thread of its own: it takes as long as the repository's host does. Safe to kill between any two lines: what
//! was not settled is found new by the next look, and a run that was begun already is known by its commit.

use std::collections::BTreeMap;

use tidegate_core::model::{GitSource, Name, PipelineRun, RunOrigin, RunState};
use tidegate_core::source::{Arrived, SourceAddress, changes};
use tidegate_core::view::PipelineRunView;

use super::{broken, connect, keys};
use crate::answer::store_trouble;
use crate::git::{GitRepositories, Remote};
use crate::handle::Handle;
use crate::plane::{ControlPlane, Refusal, RefusalKind};
use crate::push::{Arrival, begin_where};
use crate::seams::Repositories;

/// The newest runs of an app that are looked through for one of the same branch.
const MOST_RUNS: usize = 500;

/// What came of a look.
#[derive(Clone, Debug, Default)]
pub(super) struct Looked {
    /// Branches with their commits that are dealt with.
    pub(super) heads: BTreeMap<String, String>,
    /// Branches that are gone.
    pub(super) gone: Vec<String>,
    /// What there is to tell, a sentence each.
    pub(super) news: Vec<String>,
    /// Why it is to be looked at again soon.
    pub(super) error: Option<String>,
}

/// Looks. What it could do it has done, also where something failed.
pub(super) fn look(handle: &Handle, repositories: &GitRepositories, source: &GitSource) -> Looked {
    let mut looked = Looked::default();
    looked.error = looked.go(handle, repositories, source).err();
    looked
}

impl Looked {
    fn go(
        &mut self,
        handle: &Handle,
        repositories: &GitRepositories,
        source: &GitSource,
    ) -> Result<(), String> {
        let address: SourceAddress = source.address.parse().map_err(said)?;
        let opener = keys::opener(handle.data(), &source.id, &source.access);
        let remote = Remote { address, opener };
        let listed = remote.list().map_err(said)?;
        let found = changes(source, &listed).map_err(|branches| connect::too_many(branches).message)?;
        if found.arrived.is_empty() && found.gone.is_empty() {
            return Ok(());
        }
        let repository = repositories.get_or_make(&source.app).map_err(said)?;
        let branches: Vec<&str> = found.arrived.iter().map(|one| one.branch.as_str()).collect();
        for branch in &found.gone {
            // Its previews go with it, before it is forgotten that it was there.
            handle.branch_gone(&source.app, branch, remote.address.host()).map_err(said)?;
        }
        // First: a branch can be in the way of one whose name goes on where its own ends. It need not be one that was dealt with.
        let mut forgotten = repository.branches().map_err(said)?;
        forgotten.retain(|ours| !found.gone.contains(ours) && branches.iter().any(|new| excludes(ours, new)));
        forgotten.extend(found.gone.iter().cloned());
        repository.forget(forgotten.iter().map(String::as_str)).map_err(said)?;
        self.gone = found.gone;
        let (came, withheld) = remote.fetch_what_can_be(&repository, &branches);
        let beginner = Beginner { handle, repositories, source, host: remote.address.host() };
        let there = found.arrived.iter().filter(|arrived| came.contains(&arrived.branch.as_str()));
        let failed: Vec<String> = there
            .filter_map(|arrived| self.deal(&beginner, arrived).err())
            .chain(withheld.map(said))
            .collect();
        repository.tidy().map_err(said)?;
        failed.into_iter().next().map_or(Ok(()), Err)
    }

    /// Deals with one branch.
    fn deal(&mut self, beginner: &Beginner<'_>, arrived: &Arrived) -> Result<(), String> {
        let Arrived { branch, begins, .. } = arrived;
        let tip = beginner.repositories.tip(&beginner.source.app, branch).map_err(said)?;
        // What was fetched counts, which can be newer than what was listed.
        let commit = tip.ok_or_else(|| format!("{branch} was not fetched"))?;
        if *begins {
            self.news.push(beginner.begin(branch, &commit)?);
        }
        self.heads.insert(branch.clone(), commit);
        Ok(())
    }
}

/// Begins runs of a repository.
struct Beginner<'a> {
    handle: &'a Handle,
    repositories: &'a GitRepositories,
    source: &'a GitSource,
    host: &'a str,
}

impl Beginner<'_> {
    /// Begins those of a branch's commit that are not begun yet; what there is to tell. An error is one that may pass.
    fn begin(&self, branch: &str, commit: &str) -> Result<String, String> {
        let arrival = self.arrival(branch, commit);
        let wants = |environment: &Name| Ok(!self.is_begun(environment, branch, commit)?);
        let begun = begin_where(self.handle, self.repositories, self.handle.data(), &arrival, &wants);
        let at = format!("{branch} is at {}", short(commit));
        match begun {
            Ok(runs) if runs.is_empty() => Ok(format!("{at}: nothing runs that did not before")),
            Ok(runs) => Ok(format!("{at}: {}", named(&runs))),
            Err(refusal) if is_final(&refusal) => {
                broken::tell(self.handle, self.repositories, &arrival, &refusal)
                    .map_err(|error| error.message)?;
                Ok(format!("{at}: no run begins of it"))
            }
            Err(refusal) => Err(format!("{at}, and no run could begin: {}", refusal.message)),
        }
    }

    fn arrival(&self, branch: &str, commit: &str) -> Arrival {
        let hint = self.source.state.hints.get(branch);
        // Who pushed what the branch is at now is known of that commit alone.
        let pusher = hint.filter(|hint| hint.commit == commit && !hint.by.is_empty());
        Arrival {
            app: self.source.app.clone(),
            branch: branch.to_owned(),
            commit: commit.to_owned(),
            by: pusher.map_or_else(|| self.host.to_owned(), |hint| hint.by.clone()),
            origin: if hint.is_some() { RunOrigin::Webhook } else { RunOrigin::Poll },
            push: None,
        }
    }

    /// Whether the newest run of the branch is of this commit, in the environment or in its preview: begun before a kill that came
    /// before it was settled.
    fn is_begun(&self, environment: &Name, branch: &str, commit: &str) -> Result<bool, Refusal> {
        let app = &self.source.app;
        let runs = self
            .handle
            .read(|answers| answers.store.pipeline_runs_of(app, None, MOST_RUNS).map_err(store_trouble))?;
        let of_branch = |run: &&PipelineRun| {
            matches!(run.source.origin, RunOrigin::Webhook | RunOrigin::Poll)
                && run.source.branch.as_deref() == Some(branch)
                && goes_to(run, environment)
        };
        let newest = runs.iter().find(of_branch);
        Ok(newest.is_some_and(|run| {
            run.source.commit.as_deref() == Some(commit) && run.state != RunState::Cancelled
        }))
    }
}

/// Whether a run was begun for an environment: a preview's goes into one of its own.
fn goes_to(run: &PipelineRun, environment: &Name) -> bool {
    run.environment == *environment
        || run.preview.as_ref().is_some_and(|preview| preview.base == *environment)
}

/// Whether Git cannot have both branches: the name of one is a folder of the other's.
fn excludes(one: &str, other: &str) -> bool {
    let within =
        |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
    within(one, other) || within(other, one)
}

/// Whether a refusal is of the commit itself, or of its way into an environment: asking again gives the same.
fn is_final(refusal: &Refusal) -> bool {
    let of_its_way = refusal.code.starts_with("environment::") && refusal.code != "environment::leaving";
    refusal.kind == RefusalKind::Invalid || (refusal.kind == RefusalKind::Conflict && of_its_way)
}

fn named(runs: &[PipelineRunView]) -> String {
    let each = runs.iter().map(|run| format!("run {} to {} begins", run.run, run.environment));
    each.collect::<Vec<_>>().join(", ")
}

fn short(commit: &str) -> String {
    commit.chars().take(12).collect()
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::excludes;

    #[test]
    fn a_branch_is_in_the_way_of_those_below_it_and_above() {
        assert!(excludes("feature", "feature/x") && excludes("feature/x", "feature"));
        assert!(!excludes("feature", "feature") && !excludes("feature", "features/x"));
    }
}
