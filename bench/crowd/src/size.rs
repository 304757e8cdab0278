//! How much is open, and for how long.

/// See the module. Times in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// WebSockets, those of `websockets` among them.
    pub sockets: usize,
    /// How many of them are of `websockets`.
    pub python_sockets: usize,
    /// Event streams.
    pub streams: usize,
    /// gRPC streams.
    pub calls: usize,
    /// WebSockets and event streams of the app that nobody deploys.
    pub still: (usize, usize),
    /// Bytes up, and down.
    pub bytes: (u64, u64),
    /// How long either may take: longer than all rollouts together.
    pub transfer: u64,
    /// Requests a second beside.
    pub rate: f64,
    /// Rollouts; the upgrade is in their middle.
    pub rollouts: usize,
    /// How long what is open may last on an instance that leaves.
    pub drain: u64,
    /// The same for up- and downloads.
    pub files_drain: u64,
}

impl Size {
    /// Everything.
    pub const FULL: Size = Size {
        sockets: 2_000,
        python_sockets: 50,
        streams: 200,
        calls: 50,
        still: (20, 10),
        bytes: (1 << 30, 256 << 20),
        transfer: 360,
        rate: 200.0,
        rollouts: 10,
        drain: 20,
        files_drain: 900,
    };
    /// The same story on a small scale.
    pub const QUICK: Size = Size {
        sockets: 120,
        python_sockets: 20,
        streams: 30,
        calls: 10,
        still: (10, 5),
        bytes: (64 << 20, 64 << 20),
        transfer: 60,
        rate: 50.0,
        rollouts: 2,
        drain: 6,
        files_drain: 200,
    };
}
