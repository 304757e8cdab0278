//! Users, tokens and logins.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::Value;
use tidegate_control::RefusalKind;
use tidegate_control::identity::{Redeem, UserChange, who_view};
use tidegate_core::access::{Action, Caller, Means, NotLetIn, OpenIdLink, Origin, Who};
use tidegate_core::model::Name;
use tidegate_core::view::{
    InviteMade, LoginView, TokenList, TokenMade, TokenView, ToldOnce, UserList, UserView, WhoView,
};
use tokio::time::Instant;

use crate::server::Shared;
use crate::server::access::Asker;
use crate::server::access::need::At;
use crate::server::admit::{ask_desk, counted_where_wrong, guessing, not_let_in};
use crate::server::ask::{Answer, ask};
use crate::server::cookie;
use crate::server::endpoint::Endpoint;
use crate::server::extract::{JsonBody, Params, PathOf};
use crate::server::guard::Peer;
use crate::server::hook::caller;
use crate::server::openid;
use crate::server::problem::Refused;
use crate::wire::{LinkBody, LoginBody, TokenAsked, TokenParams, UserBody};

const USERS: &str = "/v1/users";
const TOKENS: &str = "/v1/tokens";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(
            "/v1/sessions",
            "login",
            "Change a code that is good once for a session or a token",
            login,
        )
        .open()
        .takes::<LoginBody>()
        .gives::<LoginView>(),
        Endpoint::post(
            "/v1/logout",
            "logout",
            "End the session, or revoke the token, that this comes with",
            logout,
        )
        .own()
        .gives_nothing(),
        Endpoint::get("/v1/whoami", "whoami", "Who asks, as Tidegate sees them", whoami)
            .own()
            .gives::<WhoView>(),
        Endpoint::get(USERS, "users", "The users", users)
            .needs(Action::ManageAccess, At::Installation)
            .gives::<UserList>(),
        Endpoint::post(USERS, "user_add", "Add a user", user_add)
            .needs(Action::ManageAccess, At::Installation)
            .takes::<UserBody>()
            .gives::<UserView>(),
        Endpoint::post("/v1/users/{user}/disable", "user_disable", "Let a user in nowhere", user_disable)
            .needs(Action::ManageAccess, At::Installation)
            .gives::<UserView>(),
        Endpoint::post("/v1/users/{user}/enable", "user_enable", "Let a user in again", user_enable)
            .needs(Action::ManageAccess, At::Installation)
            .gives::<UserView>(),
        Endpoint::post(
            "/v1/users/{user}/remove",
            "user_remove",
            "Forget a user, their tokens and sessions",
            user_remove,
        )
        .needs(Action::ManageAccess, At::Installation)
        .gives::<UserView>(),
        Endpoint::post(
            "/v1/users/{user}/link",
            "user_link",
            "Say as whom the identity provider knows a user",
            user_link,
        )
        .needs(Action::ManageAccess, At::Installation)
        .takes::<LinkBody>()
        .gives::<UserView>(),
        Endpoint::post(
            "/v1/users/{user}/unlink",
            "user_unlink",
            "Have the identity provider let a user in no more",
            user_unlink,
        )
        .needs(Action::ManageAccess, At::Installation)
        .gives::<UserView>(),
        Endpoint::post(
            "/v1/users/{user}/invite",
            "user_invite",
            "Make a code that lets a user in once, told this once",
            user_invite,
        )
        .needs(Action::ManageAccess, At::Installation)
        .gives::<InviteMade>(),
        Endpoint::get(TOKENS, "tokens", "Your tokens; to administrators everybody's", tokens)
            .own()
            .query::<TokenParams>()
            .gives::<TokenList>(),
        Endpoint::post(TOKENS, "token_create", "Make a token, told this once", token_create)
            .own()
            .takes::<TokenAsked>()
            .gives::<TokenMade>(),
        Endpoint::post(
            "/v1/tokens/{token}/revoke",
            "token_revoke",
            "Revoke a token, by its id or name",
            token_revoke,
        )
        .own()
        .query::<TokenParams>()
        .gives::<TokenView>(),
    ]
}

async fn login(
    State(shared): State<Shared>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<LoginBody>,
) -> Result<Response, Refused> {
    let counted = caller::of(&peer, &headers);
    shared.attempts.may(counted, Instant::now()).map_err(guessing)?;
    let LoginBody { code, user, token } = body;
    let asked = Redeem { code, user, token };
    let found = ask_desk(&shared, move |desk| desk.redeem(asked)).await?;
    let logged_in = counted_where_wrong(&shared, counted, found).map_err(no_code)?;
    let who = Caller { who: user_of(&logged_in.view), from: origin(&peer) };
    let cookie = logged_in.session.and_then(|session| cookie::kept(&peer, session.reveal()));
    let mut response = private(Json(logged_in.view));
    response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    // For the audit log.
    response.extensions_mut().insert(who);
    Ok(response)
}

pub(super) fn user_of(view: &LoginView) -> Who {
    view.user.parse().map_or(Who::Stranger, |name| Who::User { name, token: None })
}

pub(super) fn origin(peer: &Peer) -> Origin {
    match peer {
        Peer::Tcp(_, from) => Origin::Address(*from),
        Peer::Unix { uid } => Origin::Socket { uid: *uid },
    }
}

fn no_code(why: NotLetIn) -> Refused {
    match why {
        NotLetIn::Unknown => {
            let message = "nobody knows that code: it is mistyped, or was used already";
            Refused::at(StatusCode::UNAUTHORIZED, RefusalKind::Environment, "access::wrong-code", message)
                .help("ask for another: `tidegate user invite NAME`")
        }
        NotLetIn::Expired
        | NotLetIn::Revoked
        | NotLetIn::Disabled
        | NotLetIn::SessionOver
        | NotLetIn::CodeExpired => not_let_in(why),
    }
}

async fn logout(
    State(shared): State<Shared>,
    Extension(peer): Extension<Peer>,
    asker: Asker,
) -> Result<Response, Refused> {
    match asker.admission().means {
        Means::Token { .. } | Means::Session { .. } => {}
        Means::Socket | Means::OwnerToken | Means::Key => return Err(nothing_to_end()),
    }
    ask_desk(&shared, move |desk| desk.end(asker.admission())).await?;
    let mut response = Json(Value::Object(serde_json::Map::new())).into_response();
    response.headers_mut().extend(cookie::forgotten(&peer).map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(response)
}

fn nothing_to_end() -> Refused {
    let message = "there is nothing to end: you are the owner";
    Refused::at(StatusCode::CONFLICT, RefusalKind::Conflict, "access::owner", message)
        .help("log in somewhere with `tidegate login URL`")
}

async fn whoami(
    State(shared): State<Shared>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    asker: Asker,
) -> Result<Response, Refused> {
    let who = asker.caller().who.clone();
    let roles = ask(&shared, move |plane| plane.roles_of(&who)).await?;
    let session = match asker.admission().means {
        Means::Session { .. } => cookie::session(&peer, &headers),
        Means::Token { .. } | Means::Socket | Means::OwnerToken | Means::Key => None,
    };
    let csrf =
        session.zip(shared.identity.as_ref()).map(|(session, desk)| ToldOnce::new(desk.0.csrf(&session)));
    Ok(private(Json(who_view(asker.admission(), roles, csrf))))
}

async fn users(State(shared): State<Shared>) -> Answer<UserList> {
    ask_desk(&shared, |desk| desk.users()).await.map(Json)
}

async fn user_add(
    State(shared): State<Shared>,
    asker: Asker,
    JsonBody(body): JsonBody<UserBody>,
) -> Answer<UserView> {
    let link = body.openid.map(|link| link_of(&shared, link)).transpose()?;
    ask_desk(&shared, move |desk| desk.user_add(asker.admission(), &body.name, (body.admin, link)))
        .await
        .map(Json)
}

async fn user_link(
    State(shared): State<Shared>,
    asker: Asker,
    PathOf(user): PathOf<Name>,
    JsonBody(body): JsonBody<LinkBody>,
) -> Answer<UserView> {
    let link = Some(link_of(&shared, body)?);
    ask_desk(&shared, move |desk| desk.user_link(asker.admission(), &user, link)).await.map(Json)
}

async fn user_unlink(
    State(shared): State<Shared>,
    asker: Asker,
    PathOf(user): PathOf<Name>,
) -> Answer<UserView> {
    ask_desk(&shared, move |desk| desk.user_link(asker.admission(), &user, None)).await.map(Json)
}

/// Somebody whom a provider knows; the one that lets people in here where none is named.
fn link_of(shared: &Shared, body: LinkBody) -> Result<OpenIdLink, Refused> {
    let LinkBody { issuer, subject } = body;
    let here = || shared.openid.as_ref().map(|server| server.issuer().to_owned());
    let issuer = issuer.or_else(here).ok_or_else(openid::not_served)?;
    let fits = |text: &str| (1..=255).contains(&text.len()) && !text.contains(char::is_control);
    if !fits(&subject) || !fits(&issuer) {
        return Err(Refused::bad_request("a subject, and an issuer, has 1 to 255 bytes on one line"));
    }
    Ok(OpenIdLink::new(&issuer, &subject))
}

async fn user_disable(shared: State<Shared>, asker: Asker, user: PathOf<Name>) -> Answer<UserView> {
    change(shared, asker, user, UserChange::Disable).await
}

async fn user_enable(shared: State<Shared>, asker: Asker, user: PathOf<Name>) -> Answer<UserView> {
    change(shared, asker, user, UserChange::Enable).await
}

async fn change(
    State(shared): State<Shared>,
    asker: Asker,
    PathOf(user): PathOf<Name>,
    change: UserChange,
) -> Answer<UserView> {
    ask_desk(&shared, move |desk| desk.user_change(asker.admission(), &user, change)).await.map(Json)
}

async fn user_remove(
    State(shared): State<Shared>,
    asker: Asker,
    PathOf(user): PathOf<Name>,
) -> Answer<UserView> {
    ask_desk(&shared, move |desk| desk.user_remove(asker.admission(), &user)).await.map(Json)
}

async fn user_invite(
    State(shared): State<Shared>,
    asker: Asker,
    PathOf(user): PathOf<Name>,
) -> Result<Response, Refused> {
    ask_desk(&shared, move |desk| desk.user_invite(asker.admission(), &user))
        .await
        .map(|made| private(Json(made)))
}

async fn tokens(
    State(shared): State<Shared>,
    asker: Asker,
    Params(params): Params<TokenParams>,
) -> Answer<TokenList> {
    ask_desk(&shared, move |desk| desk.tokens(asker.admission(), params.user.as_ref())).await.map(Json)
}

async fn token_create(
    State(shared): State<Shared>,
    asker: Asker,
    JsonBody(asked): JsonBody<TokenAsked>,
) -> Result<Response, Refused> {
    ask_desk(&shared, move |desk| desk.token_make(asker.admission(), asked))
        .await
        .map(|made| private(Json(made)))
}

async fn token_revoke(
    State(shared): State<Shared>,
    asker: Asker,
    PathOf(which): PathOf<String>,
    Params(params): Params<TokenParams>,
) -> Answer<TokenView> {
    ask_desk(&shared, move |desk| desk.token_revoke(asker.admission(), &which, params.user.as_ref()))
        .await
        .map(Json)
}

/// An answer that nothing on its way is to keep.
pub(super) fn private(answer: impl IntoResponse) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], answer).into_response()
}
