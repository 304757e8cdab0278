//! A report on its way to a control plane, in pieces where it is large and they are taken.

use tidegate_core::model::CountsReport;

use super::protocol::Message;
use crate::count::RouteKey;
use crate::epochs::Epochs;
use crate::registry::RowKey;

/// What the other end takes, and what it knows.
#[derive(Debug, Default)]
pub(super) struct Ear {
    /// Large reports in pieces, and ones that say only what is new of gateways before this one.
    pub(super) in_pieces: bool,
    /// The version of the counts of those gateways that it was told.
    earlier: Option<u64>,
}

/// Where it is: what the next message tells.
#[derive(Debug)]
pub(super) enum Telling {
    /// Everything.
    Whole,
    /// Rows of instances, after one.
    Rows(Option<RowKey>),
    /// Rows of routes, after one.
    Routes(Option<RouteKey>),
    /// What is left.
    Rest,
}

impl Telling {
    /// `in_pieces`: the other end takes them.
    pub(super) fn new(in_pieces: bool, epochs: &Epochs) -> Self {
        if in_pieces && epochs.count_is_large() { Telling::Rows(None) } else { Telling::Whole }
    }

    /// The next message, and what comes after it.
    pub(super) fn next(self, epochs: &Epochs, ear: &mut Ear) -> (Message, Option<Telling>) {
        match self {
            Telling::Whole => (report(epochs, epochs.counts(), false, ear), None),
            Telling::Rest => (report(epochs, epochs.counts_beside_rows(), true, ear), None),
            Telling::Rows(after) => {
                let (rows, last) = epochs.rows(after.as_ref());
                let next = last.map_or(Telling::Routes(None), |last| Telling::Rows(Some(last)));
                (Message::Piece { rows, routes: Vec::new() }, Some(next))
            }
            Telling::Routes(after) => {
                let (routes, last) = epochs.routes(after.as_ref());
                let next = last.map_or(Telling::Rest, |last| Telling::Routes(Some(last)));
                (Message::Piece { rows: Vec::new(), routes }, Some(next))
            }
        }
    }
}

fn report(epochs: &Epochs, counts: CountsReport, in_pieces: bool, ear: &mut Ear) -> Message {
    let (epoch, inflight) = epochs.inflight();
    let (mirrors, waiting) = (epochs.mirrors(), epochs.waiting());
    // Asked before they are read: what comes in between is told again.
    let version = epochs.elders.version();
    let known = ear.earlier.replace(version);
    let same_earlier = ear.in_pieces && known == Some(version);
    let earlier = if same_earlier { Vec::new() } else { epochs.elders.counts() };
    Message::Report { epoch, inflight, counts, in_pieces, earlier, same_earlier, mirrors, waiting }
}
