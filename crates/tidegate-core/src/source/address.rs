//! Addresses of repositories: only transports that cannot be turned into something else, and nothing that opens them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The longest address, in bytes.
const LONGEST: usize = 500;

/// How a repository is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Over HTTP with TLS.
    Https,
    /// Over HTTP to this machine.
    LocalHttp,
    /// Over SSH.
    Ssh,
    /// A folder of this machine.
    File,
}

/// The address of a repository, as git takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceAddress {
    text: String,
    transport: Transport,
    host: String,
}

/// Why a text is no address that can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not what an address looks like.
    #[error("it is no address of a repository")]
    Shape,
    /// Another way than those offered.
    #[error("repositories are fetched over https, ssh, http from this machine, or from a folder (file:///…)")]
    Transport,
    /// Something that opens the repository.
    #[error("a name and password are not part of the address")]
    Secret,
    /// Readable and changeable by everybody on the way.
    #[error("http without TLS is for this machine only: use https")]
    Plain,
}

impl Transport {
    /// What git calls it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Transport::Https => "https",
            Transport::LocalHttp => "http",
            Transport::Ssh => "ssh",
            Transport::File => "file",
        }
    }
}

impl SourceAddress {
    /// How it is reached.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The machine it is on, without a port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Host and port as the address has them: what git names when it asks for a password.
    pub fn authority(&self) -> &str {
        let rest = self.text.split_once("://").map_or(self.text.as_str(), |(_, rest)| rest);
        rest.split('/').next().unwrap_or_default()
    }

    /// As git takes it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for SourceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl FromStr for SourceAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let sized = (1..=LONGEST).contains(&text.len()) && !text.starts_with('-');
        if !sized || !text.bytes().all(|b| b.is_ascii_graphic() && !b"\"'`\\<>".contains(&b)) {
            return Err(AddressError::Shape);
        }
        let (transport, host) = match text.split_once("://") {
            Some(("https", rest)) => (Transport::Https, of_http(rest)?),
            Some(("http", rest)) => (Transport::LocalHttp, local(of_http(rest)?)?),
            Some(("ssh", rest)) => (Transport::Ssh, of_ssh(rest)?),
            Some(("file", path)) => (Transport::File, of_file(path)?),
            Some(_) => return Err(AddressError::Transport),
            None => (Transport::Ssh, of_scp(text)?),
        };
        Ok(SourceAddress { text: text.to_owned(), transport, host })
    }
}

fn of_http(rest: &str) -> Result<String, AddressError> {
    let (authority, path) = rest.split_once('/').ok_or(AddressError::Shape)?;
    if authority.contains('@') {
        return Err(AddressError::Secret);
    }
    if path.is_empty() || path.contains(['?', '#']) {
        return Err(AddressError::Shape);
    }
    host_of(authority)
}

fn local(host: String) -> Result<String, AddressError> {
    let loopback = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if loopback || host == "localhost" { Ok(host) } else { Err(AddressError::Plain) }
}

fn of_ssh(rest: &str) -> Result<String, AddressError> {
    let (authority, path) = rest.split_once('/').ok_or(AddressError::Shape)?;
    if path.is_empty() || path.starts_with('-') {
        return Err(AddressError::Shape);
    }
    host_of(without_user(authority)?)
}

/// `git@host:ann/shop.git`, as hosts show it.
fn of_scp(text: &str) -> Result<String, AddressError> {
    let (authority, path) = text.split_once(':').ok_or(AddressError::Shape)?;
    // Two colons would name a program that fetches.
    if path.is_empty() || path.starts_with(['-', ':']) || authority.contains('/') {
        return Err(AddressError::Shape);
    }
    host_of(without_user(authority)?)
}

fn of_file(path: &str) -> Result<String, AddressError> {
    let absolute = path.len() > 1 && path.starts_with('/');
    absolute.then(|| "this machine".to_owned()).ok_or(AddressError::Shape)
}

fn without_user(authority: &str) -> Result<&str, AddressError> {
    let Some((user, host)) = authority.rsplit_once('@') else { return Ok(authority) };
    if user.contains(':') {
        return Err(AddressError::Secret);
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    let named = !user.is_empty() && !user.starts_with('-') && user.bytes().all(plain);
    named.then_some(host).ok_or(AddressError::Shape)
}

/// The host of `host`, `host:port` or `[::1]:port`: never anything a program could take for an option.
fn host_of(authority: &str) -> Result<String, AddressError> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let number = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    let named = !host.is_empty()
        && !host.starts_with(['-', '.'])
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b));
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let addressed = literal.is_some_and(|host| host.parse::<IpAddr>().is_ok());
    let good = (named || addressed) && port.is_none_or(number);
    good.then(|| host.to_ascii_lowercase()).ok_or(AddressError::Shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<(Transport, String), AddressError> {
        text.parse::<SourceAddress>().map(|address| (address.transport, address.host))
    }

    #[test]
    fn the_ways_hosts_offer_are_understood() {
        for (text, transport, host) in [
            ("https://github.com/ann/shop.git", Transport::Https, "github.com"),
            ("https://Git.Example.org:8443/a/b/c.git", Transport::Https, "git.example.org"),
            ("http://localhost:3000/ann/shop.git", Transport::LocalHttp, "localhost"),
            ("http://[::1]:3000/ann/shop", Transport::LocalHttp, "[::1]"),
            ("ssh://git@git.example.org:2222/ann/shop.git", Transport::Ssh, "git.example.org"),
            ("git@github.com:ann/shop.git", Transport::Ssh, "github.com"),
            ("file:///srv/git/shop.git", Transport::File, "this machine"),
        ] {
            assert_eq!(of(text), Ok((transport, host.to_owned())), "{text}");
        }
        let address: SourceAddress = "https://git.example.org:8443/a/b.git".parse().unwrap();
        assert_eq!(address.authority(), "git.example.org:8443");
    }

    #[test]
    fn what_opens_a_repository_is_no_part_of_its_address() {
        for text in ["https://ann:pw@github.com/a/b", "https://token@github.com/a/b", "ssh://git:pw@host/a"] {
            assert_eq!(of(text), Err(AddressError::Secret), "{text}");
        }
    }

    #[test]
    fn what_could_become_something_else_is_refused() {
        for text in [
            "",
            "-uorigin",
            "--upload-pack=touch /tmp/x",
            "/srv/git/shop.git",
            "../shop.git",
            "file://host/share",
            "file://",
            "https://github.com",
            "https://github.com/",
            "https:///a/b",
            "https://host:0/a",
            "https://host/a?b",
            "ssh://-oProxyCommand=x/a",
            "-oProxyCommand=x:a",
            "git@-oProxyCommand=x:a",
            "-l@host:a",
            "ssh://host/-a",
            "git@host:-a",
            "git@host:",
            "https://host/a b",
            "https://host/a'b",
            "https://host/a\nb",
            "ext::sh -c x",
            "ext::sh",
            "git@host::a",
        ] {
            assert_eq!(of(text), Err(AddressError::Shape), "{text}");
        }
        for text in ["git://host/a", "ftp://host/a", "fd://17/a", "HTTPS://host/a"] {
            assert_eq!(of(text), Err(AddressError::Transport), "{text}");
        }
        for text in ["http://github.com/a/b", "http://192.0.2.1/a", "http://localhost.evil.example/a"] {
            assert_eq!(of(text), Err(AddressError::Plain), "{text}");
        }
    }
}
