//! The cookie that remembers a client's bucket: `1.<bucket>.<made>.<signature>`, signed with a key of the service's own,
//! so that nobody can choose an arm and no service takes another's. A cookie that is not ours is no cookie.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use tidegate_core::time::Millis;

use super::Secret;
use super::bucket::Bucket;
use crate::view::RequestView;

const NAME: &str = "tidegate-bucket";
const VERSION: &str = "1";
/// Bytes of the signature: 128 bits of an HMAC-SHA256.
const SIGNATURE: usize = 16;
/// Its characters in base64url.
const SIGNATURE_TEXT: usize = 22;
/// The longest value: version, 4 digits, 10 digits, signature, dots.
const LONGEST: usize = VERSION.len() + 4 + 10 + SIGNATURE_TEXT + 3;

/// A cookie's value as it is written: whether it is ours is yet to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    bucket: Bucket,
    /// Seconds since 1970.
    made: u64,
    signature: [u8; SIGNATURE],
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signature = URL_SAFE_NO_PAD.encode(self.signature);
        write!(f, "{VERSION}.{:04}.{}.{signature}", self.bucket.number(), self.made)
    }
}

/// Reads a cookie's value. Every value has one spelling; anything else is `None`.
pub(crate) fn parse(value: &[u8]) -> Option<Written> {
    let text = std::str::from_utf8(value).ok().filter(|text| text.len() <= LONGEST)?;
    let mut parts = text.split('.');
    let (version, bucket) = (parts.next()?, parts.next()?);
    let (made, signature) = (parts.next()?, parts.next()?);
    if parts.next().is_some() || version != VERSION || bucket.len() != 4 {
        return None;
    }
    let bucket = Bucket::new(number(bucket)?.try_into().ok()?)?;
    let made = number(made).filter(|_| made == "0" || !made.starts_with('0'))?;
    let mut bytes = [0; SIGNATURE];
    let written = URL_SAFE_NO_PAD.decode_slice(signature, &mut bytes).ok()?;
    (written == SIGNATURE).then_some(Written { bucket, made, signature: bytes })
}

/// Digits and nothing else, ten of them at most.
fn number(text: &str) -> Option<u64> {
    let digits = (1..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

/// Makes and reads the cookies of one service.
#[derive(Debug)]
pub(super) struct Jar {
    name: String,
    key: hmac::Key,
    /// Seconds.
    max_age: u64,
}

impl Jar {
    pub(super) fn new(upstream: &str, max_age: Millis, secret: &Secret) -> Self {
        // Services of one host must not overwrite each other's; their names are nobody's business.
        let hash = digest::digest(&digest::SHA256, upstream.as_bytes());
        let [a, b, c, d, ..] = hash.as_ref() else { unreachable!("a SHA-256 has 32 bytes") };
        let name = format!("{NAME}-{a:02x}{b:02x}{c:02x}{d:02x}");
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret.derive("bucket cookie", upstream));
        Jar { name, key, max_age: (max_age.0 / 1_000).max(1) }
    }

    /// The client's bucket, or a new one; and the cookie to set, where the client has none or it has lived half its life.
    pub(super) fn bucket(
        &self,
        view: &dyn RequestView,
        deal: impl FnOnce() -> Bucket,
    ) -> (Bucket, Option<HeaderValue>) {
        let now = now();
        match self.read(view) {
            Some(known) if now.saturating_sub(known.made) < self.max_age.div_ceil(2) => (known.bucket, None),
            Some(known) => (known.bucket, self.bake(known.bucket, now, view.peer().secure)),
            None => {
                let bucket = deal();
                (bucket, self.bake(bucket, now, view.peer().secure))
            }
        }
    }

    fn read(&self, view: &dyn RequestView) -> Option<Written> {
        let written = parse(view.cookie(&self.name)?)?;
        let ours = self.sign(written.bucket, written.made);
        constant_time::verify_slices_are_equal(&ours, &written.signature).is_ok().then_some(written)
    }

    fn bake(&self, bucket: Bucket, made: u64, secure: bool) -> Option<HeaderValue> {
        let (name, max_age) = (&self.name, self.max_age);
        let value = Written { bucket, made, signature: self.sign(bucket, made) };
        let secure = if secure { "; Secure" } else { "" };
        let cookie = format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::try_from(cookie).ok()
    }

    fn sign(&self, bucket: Bucket, made: u64) -> [u8; SIGNATURE] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(VERSION.as_bytes());
        context.update(&bucket.number().to_be_bytes());
        context.update(&made.to_be_bytes());
        let mut signature = [0; SIGNATURE];
        signature.copy_from_slice(&context.sign().as_ref()[..SIGNATURE]);
        signature
    }
}

/// Seconds since 1970; the machine's clock may be wrong, which costs a renewal at worst.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fake::Asked;
    use proptest::prelude::*;

    const DAY: Millis = Millis(86_400_000);

    fn jar(upstream: &str) -> Jar {
        Jar::new(upstream, DAY, &Secret::of([7; 32]))
    }

    fn bucket(number: u16) -> Bucket {
        Bucket::new(number).unwrap()
    }

    /// The request of a client that has this cookie.
    fn asked(cookie: &HeaderValue) -> Asked {
        let pair = cookie.to_str().unwrap().split(';').next().unwrap();
        Asked::get("/").with("cookie", &format!("other=1; {pair}"))
    }

    fn kept(jar: &Jar, asked: &Asked) -> (Bucket, Option<HeaderValue>) {
        jar.bucket(asked, || bucket(9_999))
    }

    #[test]
    fn a_new_client_is_given_a_cookie_and_keeps_its_bucket_with_it() {
        let jar = jar("app/dev/web");
        let (dealt, cookie) = jar.bucket(&Asked::get("/"), || bucket(42));
        let cookie = cookie.unwrap();
        let text = cookie.to_str().unwrap();
        assert!(text.starts_with("tidegate-bucket-"), "{text}");
        assert!(text.contains("=1.0042."), "{text}");
        assert!(text.ends_with("; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax"), "{text}");
        assert_eq!(dealt, bucket(42));
        assert_eq!(kept(&jar, &asked(&cookie)), (bucket(42), None));
        let (_, cookie) = jar.bucket(&Asked::get("/").secure(), || bucket(42));
        assert!(cookie.unwrap().to_str().unwrap().ends_with("; Secure"));
    }

    #[test]
    fn a_cookie_is_renewed_with_its_bucket_after_half_its_life() {
        let jar = jar("app/dev/web");
        let half = now() - DAY.0 / 2_000;
        assert_eq!(kept(&jar, &asked(&jar.bake(bucket(1), half + 60, false).unwrap())), (bucket(1), None));
        let (same, renewed) = kept(&jar, &asked(&jar.bake(bucket(1), half - 60, false).unwrap()));
        assert_eq!(same, bucket(1));
        assert_eq!(kept(&jar, &asked(&renewed.unwrap())), (bucket(1), None));
    }

    #[test]
    fn forged_foreign_and_garbled_cookies_are_none() {
        let ours = jar("app/dev/web");
        let good = ours.bake(bucket(7), now(), false).unwrap();
        let pair = good.to_str().unwrap().split(';').next().unwrap().to_owned();
        let other_bucket = pair.replace("=1.0007.", "=1.0006.");
        // The last character has bits that belong to no byte; the first has not.
        let at = pair.rfind('.').unwrap() + 1;
        let other = if pair.as_bytes()[at] == b'A' { "B" } else { "A" };
        let mut other_signature = pair.clone();
        other_signature.replace_range(at..=at, other);
        let foreign = Jar { name: ours.name.clone(), ..jar("app/dev/api") };
        let foreign = foreign.bake(bucket(7), now(), false).unwrap();
        let foreign = foreign.to_str().unwrap().split(';').next().unwrap().to_owned();
        for bad in [other_bucket, other_signature, foreign, format!("{}=", ours.name)] {
            let asked = Asked::get("/").with("cookie", &bad);
            assert_eq!(kept(&ours, &asked).0, bucket(9_999), "{bad}");
        }
        assert_eq!(kept(&ours, &Asked::get("/").with("cookie", &pair)).0, bucket(7));
    }

    #[test]
    fn services_have_names_of_their_own() {
        assert_ne!(jar("a/dev/web").name, jar("a/dev/api").name);
    }

    #[test]
    fn a_value_has_one_spelling() {
        let good = "1.0042.1700000000.AAAAAAAAAAAAAAAAAAAAAA";
        assert_eq!(parse(good.as_bytes()).unwrap().bucket, bucket(42));
        for bad in [
            "",
            "1",
            "2.0042.1700000000.AAAAAAAAAAAAAAAAAAAAAA",
            "1.42.1700000000.AAAAAAAAAAAAAAAAAAAAAA",
            "1.+042.1700000000.AAAAAAAAAAAAAAAAAAAAAA",
            "1.0042.01700000000.AAAAAAAAAAAAAAAAAAAAAA",
            "1.0042.0170000000.AAAAAAAAAAAAAAAAAAAAAA",
            "1.0042.1700000000.AAAAAAAAAAAAAAAAAAAAA",
            "1.0042.1700000000.AAAAAAAAAAAAAAAAAAAAAB",
            "1.0042.1700000000.AAAAAAAAAAAAAAAAAAAA==",
            "1.0042.1700000000.AAAAAAAAAAAAAAAAAAAAAA.",
            "1.0042.1700000000.AAAAAAAAAAAAAAAAAAAA+/",
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn random_bytes_are_no_cookie(value in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(parse(&value), None);
        }

        #[test]
        fn what_is_read_is_spelled_as_it_was(value in "1\\.[0-9]{3,5}\\.[0-9]{1,11}\\.[A-Za-z0-9_-]{21}[AQgwB]") {
            if let Some(written) = parse(value.as_bytes()) {
                prop_assert_eq!(written.to_string(), value);
            }
        }

        #[test]
        fn what_is_baked_is_read(number in 0_u16..10_000, made in 0_u64..9_999_999_999) {
            let jar = jar("a");
            let cookie = jar.bake(bucket(number), made, false).unwrap();
            let read = jar.read(&asked(&cookie)).unwrap();
            prop_assert_eq!((read.bucket, read.made), (bucket(number), made));
        }
    }
}
