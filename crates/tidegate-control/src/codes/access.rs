//! Of users, tokens, sessions and codes.

use super::Explained;

pub(super) const CODES: &[Explained] = &[
    (
        "access::expired-token",
        "The token is right and its time is over. Make another one: `tidegate token create NAME`, or `tidegate login`.",
    ),
    (
        "access::revoked-token",
        "The token is right and was revoked. Ask an administrator, or log in again with `tidegate login`.",
    ),
    (
        "access::disabled-user",
        "The token, session or code is right and its user is disabled. An administrator lets them in again with `tidegate user enable`.",
    ),
    (
        "access::expired-session",
        "The session is over: nobody used it for 12 hours, or it is 30 days old. Log in again.",
    ),
    (
        "access::expired-code",
        "The code is right and its time is over: a user's is good for an hour, the first administrator's for a day. `tidegate user invite` makes \
         another one; the next `tidegate up` prints another first one.",
    ),
    (
        "access::wrong-code",
        "Nobody knows the code: it is mistyped, was used already, or another was made since. `tidegate user invite` makes another one.",
    ),
    (
        "access::guessing",
        "Too many wrong tokens or codes came from that address, or from everywhere. Wait as long as `Retry-After` says; the unix socket is always open.",
    ),
    (
        "access::out-of-reach",
        "The token is for one app or environment, and the request is about another one, or does not say about which.",
    ),
    (
        "access::csrf",
        "A request of a session that changes something sends the header `X-Tidegate-Csrf`, with what the login or `/v1/whoami` said.",
    ),
    ("access::not-served", "This Tidegate keeps no users: it was started without them."),
    (
        "access::owner",
        "There is nothing to end: the socket and the token of the data directory are the owner's.",
    ),
    ("access::not-managing", "Only administrators, and whoever runs this Tidegate, decide about users."),
    ("access::user-known", "A user of that name is there already."),
    ("access::unknown-user", "There is no such user. `tidegate user list` shows them."),
    (
        "access::reserved-name",
        "Tidegate's own records mean something else than a person by that name. Choose another.",
    ),
    ("access::disabled", "The user is disabled: `tidegate user enable` first."),
    ("access::too-many", "There are as many users or good tokens as may be. Remove or revoke some."),
    ("access::token-known", "A good token of that name is there already. Choose another name, or revoke it."),
    (
        "access::unknown-token",
        "There is no such token, or it is somebody else's. `tidegate token list` shows those you see.",
    ),
    ("access::which-token", "Several tokens have that name. Say the id, or whose it is."),
    (
        "access::narrow-token",
        "A token that gives less than its user has makes no tokens: another could give more.",
    ),
    (
        "access::whose-token",
        "A token is one's own, another user's or a program's; administrators alone make those of others.",
    ),
    ("access::expiry", "A token is good for a minute to 366 days, or `never` expires."),
    (
        "access::name-missing",
        "The first administrator needs a name: `tidegate login URL --code CODE --user ann`.",
    ),
    ("access::other-user", "The code is for another user than the one that was named."),
    (
        "access::key",
        "The file `identity-key` of the data directory can be neither read nor made. Nothing was changed.",
    ),
    ("access::random", "The machine gave no random bytes. `tidegate doctor` may say more."),
    (
        "oidc::not-served",
        "No identity provider was named when this Tidegate was started: log in with a code or a token, or have it named with `tidegate up --oidc-issuer`.",
    ),
    (
        "oidc::provider",
        "The identity provider cannot be asked, or answers something else than OpenID Connect says. The message tells what; the provider's own log may say more.",
    ),
    (
        "oidc::id-token",
        "What the identity provider gave is not to be believed: it is signed by none of its keys, made for another client, too old, or the answer to another login.",
    ),
    (
        "oidc::unknown-login",
        "Nobody knows of that login: it took longer than a quarter of an hour, is finished, was begun in another browser, or Tidegate was started again meanwhile. Begin it again.",
    ),
    (
        "oidc::expired",
        "The code has expired before anybody agreed to it at the identity provider. Begin again.",
    ),
    (
        "oidc::denied",
        "The login was refused at the identity provider, by whoever was asked there or by the provider.",
    ),
    (
        "oidc::busy",
        "Too many logins were begun and not finished, or are asked of the identity provider right now. Wait a moment; one that nobody finishes is over within a quarter of an hour.",
    ),
    (
        "oidc::not-allowed",
        "The identity provider knows them, but `tidegate up --oidc-allow` says who may log in, and they are not among those.",
    ),
    (
        "oidc::unknown-person",
        "The identity provider knows them, but no user here is linked with them. An administrator adds one with `tidegate user add NAME --oidc-subject SUBJECT`, or links one that is there with `tidegate user link NAME SUBJECT`.",
    ),
    (
        "oidc::no-name",
        "Whoever logs in would become a user, but what the identity provider calls them can be no user's name. An administrator adds them by another name.",
    ),
    (
        "oidc::name-taken",
        "Whoever logs in would become a user of a name that a user has already. They may be somebody else: an administrator who knows better links them with `tidegate user link NAME SUBJECT`.",
    ),
    (
        "oidc::groups",
        "The identity provider left out in which groups they are, or they are in more than 500. Have it send fewer: what policies forbid to one of them would be passed over.",
    ),
    (
        "oidc::linked",
        "That person of the identity provider is another user already. `tidegate user unlink` takes it back.",
    ),
];
