//! Who asks: proven by the connection, a token or a session, never by what a request says of itself.

use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Name;

/// Somebody, and where they ask from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// Who they are.
    pub who: Who,
    /// Where they are.
    pub from: Origin,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// Whoever runs this Tidegate: the socket's own user or root, or the token of the data directory. May do everything.
    Owner,
    /// A person.
    User {
        /// The name of the person.
        name: Name,
        /// The token they used, by its name; none: a session of the browser or an SSH key.
        token: Option<Name>,
    },
    /// A program with a token of its own, such as a build server.
    Service {
        /// The name of the token.
        token: Name,
    },
    /// Nobody that is known: what is refused is written down too.
    Stranger,
}

/// Where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "CallerOrigin")]
pub enum Origin {
    /// A process on this machine, through the unix socket, of this user.
    Socket {
        /// The user's number.
        uid: u32,
    },
    /// An address.
    Address(IpAddr),
    /// Git over SSH, run by the machine's own sshd.
    Ssh,
    /// Tidegate itself: a webhook that was checked, a schedule, a poll.
    Within,
}

impl Caller {
    /// Whoever runs this Tidegate, through the socket.
    pub fn owner(uid: u32) -> Self {
        Caller { who: Who::Owner, from: Origin::Socket { uid } }
    }
}

/// As timelines and the audit log write it.
impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Owner => f.write_str("owner"),
            Who::User { name, .. } => name.fmt(f),
            Who::Service { token } => write!(f, "token:{token}"),
            Who::Stranger => f.write_str("somebody"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Socket { uid } => write!(f, "socket uid {uid}"),
            Origin::Address(address) => address.fmt(f),
            Origin::Ssh => f.write_str("ssh"),
            Origin::Within => f.write_str("tidegate"),
        }
    }
}
