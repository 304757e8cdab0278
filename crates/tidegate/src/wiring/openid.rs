//! Whose word lets people in besides tokens and codes: the options of `tidegate up` about an identity provider.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tidegate_api::{IdentityDesk, OpenIdDesk};
use tidegate_control::openid::{ClientSecret, OpenId, OpenIdSettings};
use tidegate_core::access::{Allowed, OPEN_ID_GOOD_FOR, OpenIdRules};
use tidegate_core::time::Millis;

use super::server::ApiOptions;
use crate::failure::Failure;

/// What a login gives is good for a minute at least, and for so long at the most.
const SHORTEST: Millis = Millis::seconds(60);
const LONGEST: Millis = Millis(30 * 86_400_000);

/// As typed.
#[derive(Clone, Debug, Default, Args)]
pub struct OpenIdArgs {
    /// The identity provider (OpenID Connect) whose word lets people in, by its URL
    #[arg(long, value_name = "URL", requires_all = ["oidc_client_id", "oidc_client_secret"])]
    oidc_issuer: Option<String>,
    /// As whom the provider knows this Tidegate
    #[arg(long, value_name = "ID", requires = "oidc_issuer")]
    oidc_client_id: Option<String>,
    /// A file with what proves that to it
    #[arg(long, value_name = "FILE", requires = "oidc_issuer")]
    oidc_client_secret: Option<PathBuf>,
    /// What is asked of it
    #[arg(long, value_name = "SCOPES", default_value = "openid profile email", requires = "oidc_issuer")]
    oidc_scopes: String,
    /// The claim with what somebody is called
    #[arg(long, value_name = "CLAIM", default_value = "preferred_username", requires = "oidc_issuer")]
    oidc_name_claim: String,
    /// The claim with the groups that somebody is in
    #[arg(long, value_name = "CLAIM", default_value = "groups", requires = "oidc_issuer")]
    oidc_groups_claim: String,
    /// Who may log in by it: `ann@shop.example`, `@shop.example`, `group:platform`, `sub:1234`; may be repeated [default: every user it knows]
    #[arg(long, value_name = "WHO", requires = "oidc_issuer")]
    oidc_allow: Vec<Allowed>,
    /// Who may log in and is no user becomes one, without a role
    #[arg(long, requires = "oidc_issuer")]
    oidc_adds_users: bool,
    /// How long the token or session of a login is good, and what it said of groups gives anything
    #[arg(long, value_name = "TIME", default_value_t = OPEN_ID_GOOD_FOR, requires = "oidc_issuer", value_parser = parse_span)]
    oidc_lasts: Millis,
    /// How browsers reach the API, for the way back from the provider [default: --api, by the first --api-name]
    #[arg(long, value_name = "URL", requires = "oidc_issuer")]
    oidc_base: Option<String>,
}

fn parse_span(text: &str) -> Result<Millis, String> {
    let span: Millis = text.parse().map_err(|error: tidegate_core::time::DurationError| error.to_string())?;
    if (SHORTEST..=LONGEST).contains(&span) { Ok(span) } else { Err(format!("{SHORTEST} to {LONGEST}")) }
}

impl OpenIdArgs {
    /// What that means; `None`: no provider lets anybody in.
    pub fn typed(self, api: &ApiOptions) -> Result<Option<OpenIdSettings>, Failure> {
        let all = self.oidc_issuer.zip(self.oidc_client_id).zip(self.oidc_client_secret);
        let Some(((issuer, client_id), secret)) = all else { return Ok(None) };
        checked("--oidc-issuer", &issuer)?;
        let base = self.oidc_base.unwrap_or_else(|| base_of(api));
        checked("--oidc-base", &base)?;
        let client_secret = ClientSecret::in_file(&secret).map_err(|error| {
            let message = format!("--oidc-client-secret: {}: {error}", secret.display());
            Failure::mistake(message, "name a file that holds the secret, and nothing else, in one line")
        })?;
        let scopes = self.oidc_scopes;
        if !scopes.split(' ').any(|scope| scope == "openid") || scopes.contains(char::is_control) {
            let message = format!("--oidc-scopes: `{scopes}` does not ask for `openid`");
            return Err(Failure::mistake(
                message,
                "write them like `--oidc-scopes \"openid profile email groups\"`",
            ));
        }
        let empty = [
            ("--oidc-client-id", &client_id),
            ("--oidc-name-claim", &self.oidc_name_claim),
            ("--oidc-groups-claim", &self.oidc_groups_claim),
        ];
        if let Some((option, _)) = empty.into_iter().find(|(_, value)| value.trim().is_empty()) {
            return Err(Failure::mistake(
                format!("{option} says nothing"),
                "give it a value, or leave it out",
            ));
        }
        let rules = OpenIdRules {
            issuer,
            name_claim: self.oidc_name_claim,
            groups_claim: self.oidc_groups_claim,
            allowed: self.oidc_allow.into_iter().collect(),
            adds_users: self.oidc_adds_users,
            lasts: self.oidc_lasts,
        };
        let base = base.trim_end_matches('/').to_owned();
        Ok(Some(OpenIdSettings { client_id, client_secret, scopes, base, rules }))
    }
}

fn checked(option: &str, url: &str) -> Result<(), Failure> {
    OpenIdSettings::check_url(url).map_err(|error| {
        Failure::mistake(
            format!("{option}: {error}"),
            "write it like `https://id.example`, as the provider has it",
        )
    })
}

/// The API's own address, as a browser on this machine reaches it where it has no name.
fn base_of(api: &ApiOptions) -> String {
    let scheme = if api.pair.is_some() { "https" } else { "http" };
    let host = match api.names.first() {
        Some(name) => name.clone(),
        None if api.at.ip().is_unspecified() => "localhost".to_owned(),
        None if api.at.is_ipv6() => format!("[{}]", api.at.ip()),
        None => api.at.ip().to_string(),
    };
    format!("{scheme}://{host}:{}", api.at.port())
}

/// Who answers about it.
pub fn desk(settings: Option<&OpenIdSettings>, identity: &IdentityDesk) -> Option<OpenIdDesk> {
    let settings = settings?.clone();
    Some(OpenIdDesk(Arc::new(OpenId::new(settings, Arc::clone(&identity.0)))))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(flatten)]
        openid: OpenIdArgs,
    }

    fn api(at: &str, tls: bool, names: &[&str]) -> ApiOptions {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        ApiOptions { at: at.parse().unwrap(), pair: tls.then(Default::default), names }
    }

    fn typed(more: &[&str]) -> Result<Option<OpenIdSettings>, String> {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "s3cret\n").unwrap();
        let first = ["up", "--oidc-client-id", "tidegate", "--oidc-client-secret", secret.to_str().unwrap()];
        let args = Typed::try_parse_from(first.iter().chain(more)).map_err(|error| error.to_string())?;
        let settings = args.openid.typed(&api("127.0.0.1:7070", false, &[]));
        settings.map_err(|failure| failure.refusal("x").message)
    }

    #[test]
    fn a_provider_is_named_as_a_whole() {
        assert!(
            Typed::parse_from(["up"]).openid.typed(&api("127.0.0.1:7070", false, &[])).unwrap().is_none()
        );
        let settings =
            typed(&["--oidc-issuer", "https://id.example", "--oidc-allow", "group:ops"]).unwrap().unwrap();
        assert_eq!(settings.callback(), "http://127.0.0.1:7070/v1/login/oidc/callback");
        assert_eq!((settings.rules.adds_users, settings.rules.lasts), (false, OPEN_ID_GOOD_FOR));
        assert_eq!(settings.rules.allowed.len(), 1);
        for alone in [&["up", "--oidc-issuer", "https://id.example"][..], &["up", "--oidc-adds-users"]] {
            assert!(Typed::try_parse_from(alone).is_err(), "{alone:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_said_with_its_option() {
        let issuer = "https://id.example";
        for (bad, said) in [
            (&["--oidc-issuer", "http://id.example"][..], "--oidc-issuer"),
            (&["--oidc-issuer", "id.example"], "--oidc-issuer"),
            (&["--oidc-issuer", issuer, "--oidc-base", "http://td.example"], "--oidc-base"),
            (&["--oidc-issuer", issuer, "--oidc-scopes", "profile"], "--oidc-scopes"),
            (&["--oidc-issuer", issuer, "--oidc-name-claim", ""], "--oidc-name-claim"),
            (&["--oidc-issuer", issuer, "--oidc-allow", "ann"], "--oidc-allow"),
            (&["--oidc-issuer", issuer, "--oidc-lasts", "1s"], "--oidc-lasts"),
            (&["--oidc-issuer", issuer, "--oidc-lasts", "31d"], "--oidc-lasts"),
            (&["--oidc-issuer", issuer, "--oidc-client-secret", "/nowhere"], "--oidc-client-secret"),
        ] {
            let error = typed(bad).unwrap_err();
            assert!(error.contains(said), "{bad:?}: {error}");
        }
    }

    #[test]
    fn browsers_come_back_by_the_name_of_the_api() {
        assert_eq!(base_of(&api("[::1]:7070", false, &[])), "http://[::1]:7070");
        assert_eq!(base_of(&api("0.0.0.0:7070", false, &[])), "http://localhost:7070");
        assert_eq!(base_of(&api("0.0.0.0:443", true, &["td.example"])), "https://td.example:443");
    }
}
