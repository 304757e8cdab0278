//! The API's way in: where it listens and how, who decides who is let in, and what the first start says.

use std::path::Path;
use std::sync::Arc;

use tidegate_api::{IdentityDesk, Listener};
use tidegate_control::Handle;
use tidegate_control::identity::{Desk, Welcome};
use tidegate_store::Reader;

use super::server::ApiOptions;
use crate::failure::Failure;
use crate::print;

/// The API's listener, bound.
pub fn listener(options: &ApiOptions) -> Result<Listener, Failure> {
    let bound = Listener::tcp(options.at).map_err(|error| {
        Failure::environment(
            format!("the API cannot listen on {}: {error}", options.at),
            "`--api ADDR:PORT` listens elsewhere",
        )
    })?;
    let named = bound.named(options.names.clone());
    let Some((cert, key)) = &options.pair else { return Ok(named) };
    named.with_tls(cert, key).map_err(|error| {
        let message = format!("the API's certificate cannot be used: {error}");
        Failure::environment(
            message,
            "give it PEM files with --api-cert and --api-key, the server's own certificate first",
        )
    })
}

/// Who decides who is let in.
pub fn desk(handle: &Arc<Handle>, data: &Path) -> Result<IdentityDesk, Failure> {
    let again = "run `tidegate up` again";
    let reader = Reader::open(&data.join("tidegate.db"))
        .map_err(|error| Failure::environment(error.to_string(), again))?;
    let desk = Desk::new(Arc::clone(handle), reader).map_err(|error| {
        Failure::environment(
            format!("the key of tokens: {error}"),
            "see the permissions of the data directory",
        )
    })?;
    Ok(IdentityDesk(Arc::new(desk)))
}

/// Tells whoever starts it what they have to know, on standard error: it is for people, and once.
pub fn say(welcome: &Welcome, api: &str) {
    if welcome.key_changed {
        print::to_stderr(
            "warning: the file identity-key is another than before: no token, session or code from before is known any more\n  \
             help: restore it from a backup, or have tokens made anew\n",
        );
    }
    if let Some(code) = &welcome.first {
        print::to_stderr(&format!(
            "nobody is known here yet; the first administrator logs in with this code, once, within 24 hours:\n  \
             tidegate login {api} --user NAME --code {}\n",
            code.reveal()
        ));
    }
}
