//! Who gets which arm: rules in order, then the client's bucket, then the weight. Made once per table from a service's
//! [`Assignment`]; asked before an endpoint is chosen, so that nothing known of endpoints can pull traffic to an arm.
//!
//! A service without an assignment has none of this: its requests take turns by weight alone.

mod bucket;
mod cookie;
mod lane;
mod note;
mod query;
mod rule;
mod secret;

use tidegate_core::model::{self, Assignment};

use crate::geo::Locate;
use crate::route::Turn;
use crate::view::RequestView;
use bucket::Sharing;
use rule::Rule;

pub(crate) use cookie::parse as parse_cookie;
pub(crate) use lane::{Lane, NAME as LANE};
pub(crate) use note::Note;
pub(crate) use secret::Secret;

/// A service's assignment, compiled for the arms of one table.
#[derive(Debug)]
pub(crate) struct Assigner {
    rules: Box<[Rule]>,
    sharing: Option<Sharing>,
    echo: bool,
}

impl Assigner {
    /// `None` where weight alone decides and nothing is said about it. `name` is the upstream's.
    pub(crate) fn compile(
        name: &str,
        policy: &Assignment,
        arms: &[model::Arm],
        secret: &Secret,
    ) -> Option<Assigner> {
        if policy.is_none() {
            return None;
        }
        let rules = policy.rules.iter().filter_map(|rule| Rule::compile(rule, arms)).collect();
        let sharing = policy.sticky.as_ref().and_then(|sticky| Sharing::compile(name, sticky, arms, secret));
        Some(Assigner { rules, sharing, echo: policy.echo })
    }

    /// What the answer says of an arm that was not chosen here.
    pub(crate) fn plain(&self) -> Note {
        Note { set_cookie: None, echo: self.echo, cell: None }
    }

    /// The arm of a request by its place in the table, `None` where its turn decides; and what the answer says of it.
    /// `turn` is the upstream's.
    pub(crate) fn assign(
        &self,
        view: &dyn RequestView,
        atlas: &dyn Locate,
        turn: &Turn,
    ) -> (Option<usize>, Note) {
        let plain = self.plain();
        if let Some(rule) = self.rules.iter().find(|rule| rule.matches(view, atlas)) {
            return (Some(rule.arm), plain);
        }
        match &self.sharing {
            Some(sharing) => {
                let (arm, cell, set_cookie) = sharing.assign(view, turn);
                (Some(arm), Note { set_cookie: set_cookie.map(Box::new), cell: Some(cell), ..plain })
            }
            None => (None, plain),
        }
    }
}
