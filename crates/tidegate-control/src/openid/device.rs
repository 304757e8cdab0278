//! Logging in on another device (RFC 8628): whoever types commands shows a code, and agrees to it in a browser anywhere.

use std::net::IpAddr;

use tidegate_core::access::Origin;
use tidegate_core::model::Name;
use tidegate_core::view::{DeviceLogin, DeviceState, ToldOnce};
use tidegate_os::clock::unix_ms;

use super::OpenId;
use super::pending::{By, LONGEST_MS, Waiting};
use super::provider::not_ours;
use super::refusal;
use super::settings::OpenIdSettings;
use super::wire::{DeviceAnswer, Said};
use crate::flag_key::random;
use crate::plane::Refusal;

/// How often a provider is asked that does not say how often, in seconds.
const USUAL_S: u64 = 5;
/// And the least often, in seconds.
const SELDOM_S: u64 = 60;
/// By how much more seldom it is asked each time it says so, in milliseconds.
const SLOWER_MS: u64 = 5_000;
/// The longest texts that are shown.
const LONGEST_CODE: usize = 64;
const LONGEST_URL: usize = 2_048;

impl OpenId {
    /// Begins a login. `token`: what the token is to be called.
    ///
    /// # Errors
    /// Where too many wait, and where the provider cannot be asked.
    pub fn begin_device(&self, from: Option<IpAddr>, token: Name) -> Result<DeviceLogin, Refusal> {
        self.pending().room(from, unix_ms())?;
        let begun = self.provider.begin_device(unix_ms())?;
        if !can_be_shown(&begun) {
            return Err(refusal::provider("its code or its address cannot be shown"));
        }
        let login = random::<32>().map_err(crate::identity::no_random)?;
        let now = unix_ms();
        let lasts_ms = begun.expires_in.saturating_mul(1_000).min(LONGEST_MS);
        let interval_s = begun.interval.unwrap_or(USUAL_S).clamp(1, SELDOM_S);
        let every_ms = interval_s * 1_000;
        let by = By::Device { code: begun.device_code, token, every_ms, not_before_unix_ms: now + every_ms };
        self.pending().add(&login, Waiting { from, until_unix_ms: now + lasts_ms, by }, now)?;
        Ok(DeviceLogin {
            login: ToldOnce::new(login),
            user_code: begun.user_code,
            verification_uri: begun.verification_uri,
            verification_uri_complete: begun.verification_uri_complete,
            expires_in_s: lasts_ms / 1_000,
            interval_s,
        })
    }

    /// What became of a login. The provider is asked no more often than it says, however often this is.
    ///
    /// # Errors
    /// Where it is over, or refused here or there.
    pub fn poll_device(&self, login: &str, from: Origin) -> Result<DeviceState, Refusal> {
        let now = unix_ms();
        let (code, token) = match self.next_question(login, now)? {
            Next::Ask { code, token } => (code, token),
            Next::Wait(ms) => return Ok(DeviceState { wait_s: ms.div_ceil(1_000), done: None }),
        };
        let word = match self.provider.device_tokens(&code, now)? {
            Ok(tokens) => {
                // Nobody else gets anything by it, whatever comes of this.
                self.pending().take(login, now).ok_or_else(refusal::no_such_login)?;
                let entered = self.enter(&tokens, None, (Some(token), from))?;
                return Ok(DeviceState { wait_s: 0, done: Some(entered.view) });
            }
            Err(Said(word)) => word,
        };
        match word.as_str() {
            "authorization_pending" => Ok(self.told_to_wait(login, 0)),
            "slow_down" => Ok(self.told_to_wait(login, SLOWER_MS)),
            word => {
                self.pending().take(login, now);
                Err(match word {
                    "access_denied" => refusal::denied(),
                    "expired_token" | "invalid_grant" => refusal::expired(),
                    other => not_ours(other),
                })
            }
        }
    }

    /// Whether the provider may be asked now; if so, nobody else asks it before the next time.
    fn next_question(&self, login: &str, now: u64) -> Result<Next, Refusal> {
        let mut pending = self.pending();
        let waiting = pending.get(login).ok_or_else(refusal::no_such_login)?;
        if now >= waiting.until_unix_ms {
            pending.take(login, now);
            return Err(refusal::expired());
        }
        match &mut waiting.by {
            By::Browser { .. } => Err(refusal::no_such_login()),
            By::Device { not_before_unix_ms, .. } if now < *not_before_unix_ms => {
                Ok(Next::Wait(*not_before_unix_ms - now))
            }
            By::Device { code, token, every_ms, not_before_unix_ms } => {
                *not_before_unix_ms = now + *every_ms;
                Ok(Next::Ask { code: code.clone(), token: token.clone() })
            }
        }
    }

    fn told_to_wait(&self, login: &str, slower_ms: u64) -> DeviceState {
        let now = unix_ms();
        let mut pending = self.pending();
        let wait_ms = match pending.get(login).map(|waiting| &mut waiting.by) {
            Some(By::Device { every_ms, not_before_unix_ms, .. }) => {
                *every_ms = (*every_ms + slower_ms).min(SELDOM_S * 1_000);
                *not_before_unix_ms = now + *every_ms;
                *every_ms
            }
            Some(By::Browser { .. }) | None => USUAL_S * 1_000,
        };
        DeviceState { wait_s: wait_ms.div_ceil(1_000), done: None }
    }
}

enum Next {
    Ask { code: String, token: Name },
    Wait(u64),
}

/// It ends up on a terminal, and somebody goes there.
fn can_be_shown(begun: &DeviceAnswer) -> bool {
    let urls = [Some(&begun.verification_uri), begun.verification_uri_complete.as_ref()];
    let code = &begun.user_code;
    let is_code =
        (1..=LONGEST_CODE).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    let is_url = |url: &String| url.len() <= LONGEST_URL && OpenIdSettings::check_url(url).is_ok();
    is_code && urls.into_iter().flatten().all(is_url)
}
