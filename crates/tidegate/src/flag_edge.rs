//! How the gateway serves flags: the options that `tidegate up` takes and hands on to `tidegate gateway`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::str::FromStr;

use clap::Args;
use tidegate_core::model::Name;
use tidegate_flag_server::{Addresses, Origins};

/// As typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct FlagEdgeArgs {
    /// Where flags are served to OpenFeature clients by OFREP, over HTTP
    #[arg(long, value_name = "ADDR:PORT")]
    pub flags: Option<SocketAddr>,
    /// Where flags are served by flagd's evaluation, over gRPC
    #[arg(long, value_name = "ADDR:PORT")]
    pub flags_grpc: Option<SocketAddr>,
    /// Where flags are served by flagd's sync, over gRPC; it may be the same as --flags-grpc
    #[arg(long, value_name = "ADDR:PORT")]
    pub flags_sync: Option<SocketAddr>,
    /// Whoever sends no key sees the flags of this app and environment
    #[arg(long, value_name = "APP/ENV")]
    pub flags_open: Option<SetName>,
    /// Only pages of this origin may ask for flags, like `https://shop.example`; may be repeated [default: any]
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    pub flags_origin: Vec<String>,
}

/// An app and an environment of it: whose flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetName {
    app: Name,
    environment: Name,
}

impl FromStr for SetName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = || format!("`{text}` is not APP/ENV, like `shop/production`");
        let (app, environment) = text.split_once('/').ok_or_else(shape)?;
        let name = |text: &str| text.parse::<Name>().map_err(|error| error.to_string());
        Ok(SetName { app: name(app)?, environment: name(environment)? })
    }
}

impl std::fmt::Display for SetName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.app, self.environment)
    }
}

impl FlagEdgeArgs {
    /// The same as arguments of another command.
    pub fn to_args(&self) -> Vec<OsString> {
        let mut args: Vec<OsString> = Vec::new();
        for (option, address) in self.options() {
            args.extend([option.into(), address.to_string().into()]);
        }
        if let Some(open) = &self.flags_open {
            args.extend(["--flags-open".into(), open.to_string().into()]);
        }
        for origin in &self.flags_origin {
            args.extend(["--flags-origin".into(), origin.into()]);
        }
        args
    }

    /// Where they are to be served, each with its option.
    pub fn options(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        let all =
            [("--flags", self.flags), ("--flags-grpc", self.flags_grpc), ("--flags-sync", self.flags_sync)];
        all.into_iter().filter_map(|(option, address)| Some((option, address?)))
    }

    /// The same for servers.
    pub fn addresses(&self) -> Addresses {
        Addresses { ofrep: self.flags, grpc: self.flags_grpc, sync: self.flags_sync }
    }
}

fn origin(text: &str) -> Result<String, String> {
    let known = Origins::only(&[text.to_owned()]);
    known
        .map(|_| text.to_owned())
        .map_err(|_| "write a scheme and a host, like `https://shop.example`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        flags: FlagEdgeArgs,
    }

    fn parsed(args: &[OsString]) -> Result<FlagEdgeArgs, clap::Error> {
        let program = OsString::from("x");
        Ok(Line::try_parse_from(std::iter::once(&program).chain(args))?.flags)
    }

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn what_up_hands_on_means_the_same_to_the_gateway() {
        for line in [
            "",
            "--flags 127.0.0.1:8016",
            "--flags-grpc 127.0.0.1:8013 --flags-sync 127.0.0.1:8013",
            "--flags 0.0.0.0:1 --flags-open shop/production --flags-origin https://a.example --flags-origin http://b:1",
        ] {
            let up = parsed(&words(line)).unwrap();
            assert_eq!(parsed(&up.to_args()).unwrap(), up, "{line}");
        }
    }

    #[test]
    fn what_is_no_set_and_no_origin_is_told() {
        for (line, part) in [
            ("--flags-open shop", "`shop` is not APP/ENV"),
            ("--flags-open shop/Bad_Name", "Bad_Name"),
            ("--flags-origin shop.example", "write a scheme and a host"),
        ] {
            let error = parsed(&words(line)).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
