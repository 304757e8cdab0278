//! How a request's first attempt on an instance ended: what a rollout is judged by.

/// How the first attempt of a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Good,
    ClientError,
    ServerError,
    Reset,
    Timeout,
    Cancelled,
}

impl Outcome {
    /// How many there are.
    pub(crate) const COUNT: usize = 6;

    /// Whether it counts against the instance.
    pub(crate) fn is_bad(self) -> bool {
        matches!(self, Outcome::ServerError | Outcome::Reset | Outcome::Timeout)
    }

    /// What a status says once the answer was complete.
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            500.. => Outcome::ServerError,
            400..=499 => Outcome::ClientError,
            _ => Outcome::Good,
        }
    }
}
