//! All boards of a process, and who sees which. A caller's key leads to a [`Pass`]: a board, and how much of it. Whoever
//! follows holds on to its pass, and is told when it is worth nothing any more.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use http::HeaderMap;
use tokio::sync::watch;

use crate::board::Board;
use crate::keys::{self, Audience, Grant, Holder, Keys};
use crate::ledger::{Ledger, Standing};
use crate::snapshot::Snapshot;
use crate::tally::Tally;

/// See the module.
#[derive(Debug)]
pub struct Hall {
    plan: watch::Sender<Arc<Plan>>,
    /// Which writing of the source is served.
    epoch: AtomicU64,
    ledger: Arc<Ledger>,
}

/// What there is, and for whom. Changes as a whole; the flags on a board change by themselves.
#[derive(Debug)]
pub(crate) struct Plan {
    /// By name; `None` before anything was read.
    boards: Option<BTreeMap<String, Boards>>,
    keys: Keys,
    /// Who has which name in a ticket; made when the first ticket is shown.
    named: OnceLock<HashMap<String, [u8; 32]>>,
}

/// The two sides of one set of flags.
#[derive(Clone, Debug)]
pub(crate) struct Boards {
    pub(crate) server: Arc<Board>,
    /// Without it there are no client keys.
    pub(crate) client: Option<Arc<Board>>,
}

/// What one caller may see.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    board: Arc<Board>,
    holder: Holder,
    grant: Arc<Grant>,
}

/// Who asks.
#[derive(Debug)]
pub(crate) enum Caller {
    /// May ask.
    Known(Pass),
    /// Sent no key.
    Nobody,
    /// Sent a wrong key.
    Stranger,
    /// Nothing is known of flags and keys yet.
    Early,
}

impl Hall {
    /// One board, for everybody with one of these keys.
    pub fn of_one(board: Arc<Board>, keys: Keys) -> Arc<Self> {
        let ledger = board.ledger().clone();
        let boards = BTreeMap::from([(String::new(), Boards { server: board, client: None })]);
        Self::with(Plan::new(Some(boards), keys), ledger)
    }

    /// Nothing, until somebody brings it.
    pub(crate) fn empty() -> Arc<Self> {
        Self::with(Plan::new(None, Keys::of(Vec::new(), None)), Arc::default())
    }

    fn with(plan: Plan, ledger: Arc<Ledger>) -> Arc<Self> {
        Arc::new(Hall { plan: watch::Sender::new(Arc::new(plan)), epoch: AtomicU64::new(0), ledger })
    }

    /// Has these boards and keys from now on.
    pub(crate) fn arrange(&self, boards: BTreeMap<String, Boards>, keys: Keys, epoch: u64) {
        self.epoch.store(epoch, Ordering::Relaxed);
        let plan = Plan::new(Some(boards), keys);
        // Everybody who follows looks at each change.
        self.plan.send_if_modified(|now| {
            let others = !now.is_like(&plan);
            if others {
                *now = Arc::new(plan);
            }
            others
        });
    }

    /// Who sent these headers; `page`: they are of a page that nobody named.
    pub(crate) fn caller(&self, headers: &HeaderMap, page: bool) -> Caller {
        let plan = self.plan.borrow();
        if plan.boards.is_none() {
            return Caller::Early;
        }
        match plan.keys.caller(headers, page) {
            keys::Caller::Known(holder, grant) => {
                plan.pass(holder, grant).map_or(Caller::Stranger, Caller::Known)
            }
            keys::Caller::Nobody => Caller::Nobody,
            keys::Caller::Stranger => Caller::Stranger,
        }
    }

    /// The pass of somebody, if that one may ask.
    pub(crate) fn find(&self, holder: Holder) -> Option<Pass> {
        let plan = self.plan.borrow();
        plan.pass(holder, plan.keys.grant(&holder)?.clone())
    }

    /// Whose key has a name; `naming` gives each its own, always the same.
    pub(crate) fn named(&self, name: &str, naming: impl Fn(&[u8; 32]) -> String) -> Option<Holder> {
        let plan = self.plan.borrow().clone();
        let all = || plan.keys.digests().map(|digest| (naming(digest), *digest)).collect();
        plan.named.get_or_init(all).get(name).copied().map(Holder::Key)
    }

    /// Waits until a pass is worth nothing any more: its key is revoked or is for something else, or its board is gone.
    pub(crate) async fn gone(&self, pass: &Pass) {
        let mut plans = self.plan.subscribe();
        // An error is a hall that is gone: the same.
        let _ = plans.wait_for(|plan| !plan.holds(pass)).await;
    }

    /// How well the source of the flags is.
    pub fn standing(&self) -> Standing {
        self.ledger.standing()
    }

    /// Which writing of the source is served; 0 where it does not count them.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    /// What is served of each set, by name.
    pub fn sets(&self) -> Vec<(String, Arc<Snapshot>)> {
        let plan = self.plan.borrow();
        let boards = plan.boards.iter().flatten();
        boards.map(|(name, boards)| (name.clone(), boards.server.now())).collect()
    }

    pub(crate) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    pub(crate) fn tally(&self) -> &Tally {
        self.ledger.tally()
    }
}

impl Plan {
    fn new(boards: Option<BTreeMap<String, Boards>>, keys: Keys) -> Self {
        Plan { boards, keys, named: OnceLock::new() }
    }

    fn is_like(&self, other: &Plan) -> bool {
        let (Some(these), Some(those)) = (&self.boards, &other.boards) else { return false };
        let mut pairs = these.iter().zip(those);
        let alike = |((name, one), (other, two)): ((&String, &Boards), (&String, &Boards))| {
            name == other && one.is(two)
        };
        self.keys == other.keys && these.len() == those.len() && pairs.all(alike)
    }

    fn pass(&self, holder: Holder, grant: Arc<Grant>) -> Option<Pass> {
        let board = self.boards.as_ref()?.get(&grant.board)?.of(grant.audience)?.clone();
        Some(Pass { board, holder, grant })
    }

    fn holds(&self, pass: &Pass) -> bool {
        let Some(grant) = self.keys.grant(&pass.holder) else { return false };
        let board = self.boards.as_ref().and_then(|boards| boards.get(&grant.board)?.of(grant.audience));
        *grant == pass.grant && board.is_some_and(|board| Arc::ptr_eq(board, &pass.board))
    }
}

impl Boards {
    /// Whether they are the same ones.
    fn is(&self, other: &Boards) -> bool {
        let same = |one: &Option<Arc<Board>>, two: &Option<Arc<Board>>| {
            one.as_ref().map(Arc::as_ptr) == two.as_ref().map(Arc::as_ptr)
        };
        Arc::ptr_eq(&self.server, &other.server) && same(&self.client, &other.client)
    }

    /// Shows flags on either side.
    pub(crate) fn show(&self, server: Snapshot, client: Snapshot) {
        self.server.show(server);
        if let Some(board) = &self.client {
            board.show(client);
        }
    }

    fn of(&self, audience: Audience) -> Option<&Arc<Board>> {
        match audience {
            Audience::Server => Some(&self.server),
            Audience::Client => self.client.as_ref(),
        }
    }
}

impl Pass {
    pub(crate) fn board(&self) -> &Arc<Board> {
        &self.board
    }

    pub(crate) fn holder(&self) -> &Holder {
        &self.holder
    }

    pub(crate) fn grant(&self) -> &Arc<Grant> {
        &self.grant
    }

    /// Whether definitions are for it, and what the server says of itself.
    pub(crate) fn is_of_server(&self) -> bool {
        self.grant.audience == Audience::Server
    }

    /// The flag set it may ask for, who asks for one or for none in particular.
    pub(crate) fn flag_set<'a>(&'a self, asked: Option<&'a str>) -> Result<Option<&'a str>, keys::Elsewhere> {
        keys::allowed(self.grant.flag_set.as_deref(), asked)
    }
}
