//! One request from its head to the head of its answer: route, assign an arm, pick an endpoint, send, and try again only
//! where that cannot do harm.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, request};
use hyper::body::{Body, Incoming};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tidegate_core::model::Protocol;

use crate::admission::Entry;
use crate::assign::Note;
use crate::balance::{Failure, Tries};
use crate::count::Outcome;
use crate::descriptors::Share;
use crate::drain::Stay;
use crate::front::screen::Refusal;
use crate::front::{Claim, Client, Exhausted, Part, Stream, boxed};
use crate::head;
use crate::mirror::{Mirrored, Witness};
use crate::observe::Trail;
use crate::page::Page;
use crate::policy::{Policy, Visit, site};
use crate::ticket::Ticket;
use crate::trial::Watch;
use crate::tunnel;
use crate::upstream::{
    Flow, Link, MOST_SHARED, Miss, Reply, Upload, Watched, connect, is_full, is_ours, send,
};
use crate::view::PartsView;
use crate::worker::{Admission, Goal, Worker};

/// Answers a request of a route with this policy. Never fails: what goes wrong before an answer becomes a page of the
/// gateway's own.
pub(crate) async fn exchange(
    worker: &Rc<Worker>,
    client: &Arc<Client>,
    request: Request<Incoming>,
    policy: Option<&Policy>,
    trail: &Rc<Trail>,
) -> Response<Part> {
    match forward(worker, client, request, policy, trail).await {
        Ok(response) => response,
        Err(Page::BAD_BODY) => client.refusal().map_or(Page::BAD_BODY, Page::refused).response(),
        Err(page) => page.response(),
    }
}

async fn forward(
    worker: &Rc<Worker>,
    client: &Arc<Client>,
    mut request: Request<Incoming>,
    policy: Option<&Policy>,
    trail: &Rc<Trail>,
) -> Result<Response<Part>, Page> {
    let ours = hyper::upgrade::on(&mut request);
    let (mut parts, body) = request.into_parts();
    let host = head::host_of(&parts)?;
    let path = parts.uri.path().to_owned();
    let view = PartsView { parts: &parts, host: &host, peer: client.peer };
    let admitted = match worker.admit(&view, trail) {
        Err(page) if page == Page::NO_ENDPOINT => {
            worker.hold(&host, &path).await?;
            worker.admit(&view, trail)
        }
        admitted => admitted,
    };
    let Admission { goal, note, mirror, watch, flags } = admitted?;
    let upgrade = head::prepare(&mut parts, client.peer, || worker.request_id());
    if let Some(policy) = policy {
        policy.prepare(&mut parts, client.peer, &host);
    }
    if let Some(flags) = &flags {
        flags.write(&mut parts.headers);
    }
    let ticket = match goal {
        Goal::Endpoint(entry) => seat((worker, client), (&host, &path), entry).await?.given(flags),
        Goal::Files(visit) => {
            // An open file is a descriptor as well.
            let claim = client.claim(&worker.descriptors).map_err(|Exhausted| Page::NO_ROOM)?;
            let response = boxed(|| serve((visit, note, trail), &parts, &path)).await;
            let response = boxed(|| opened(worker, claim, response)).await;
            return Ok(watched(watch, response));
        }
    };
    let mirror = mirror.filter(|_| upgrade.is_none());
    let mirrored = mirror.map(|it| it.begin(&parts, !body.is_end_stream(), &worker.post));
    let (tap, witness) = mirrored.map(|Mirrored { tap, witness }| (tap, Box::new(witness))).unzip();
    let upload = Upload::new(body, policy.and_then(Policy::most_uploaded), trail).tapped(tap.flatten());
    let (ticket, response) =
        deliver((worker, client), (&host, &path), ticket, (&mut parts, upload), trail).await?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return match upgrade {
            Some(asked) if head::changes_as_asked(&asked, response.headers()) => {
                Ok(tunnel(worker, client, ours, response, (ticket, note, trail.clone())))
            }
            _ => Err(unasked_upgrade(ticket)),
        };
    }
    Ok(watched(watch, relay(worker, response, (ticket, note, witness))))
}

/// Tells what came to whoever counts it.
fn watched(watch: Option<Box<Watch>>, response: Response<Part>) -> Response<Part> {
    if let Some(watch) = watch {
        watch.on_status(response.status().as_u16());
    }
    response
}

/// Waits for the request's place, where it has to, for as long as its client may still ask for more.
async fn seat(
    (worker, client): (&Rc<Worker>, &Arc<Client>),
    (host, path): (&str, &str),
    entry: Entry,
) -> Result<Ticket, Page> {
    match entry {
        Entry::Ticket(ticket) => Ok(ticket),
        line @ Entry::Line(_) => tokio::select! {
            biased;
            seated = boxed(|| worker.seated(host, path, line)) => seated,
            () = boxed(|| client.ended()) => Err(Page::OVERLOADED),
        },
    }
}

/// Sees to it that there is a descriptor for the request's connection, where it is to have one of its own.
fn claim(worker: &Worker, client: &Arc<Client>, ticket: &mut Ticket) -> Result<(), Page> {
    let shares = matches!(ticket.endpoint.protocol(), Protocol::H2c | Protocol::H2);
    if ticket.claim.is_none() && !shares {
        ticket.claim = client.claim(&worker.descriptors).map_err(|Exhausted| Page::NO_ROOM)?;
    }
    Ok(())
}

/// Answers with a file of the assigned arm.
async fn serve(
    (visit, note, trail): (Visit, Note, &Rc<Trail>),
    parts: &request::Parts,
    asked: &str,
) -> Response<Part> {
    trail.on_files(visit.row());
    let badge = visit.badge.clone();
    let mut response = site::serve(visit, parts, asked).await;
    note.write(&badge, response.headers_mut());
    response
}

/// Counts the file that an answer is read from, as a connection to an instance would be.
async fn opened(worker: &Worker, claim: Option<Claim>, response: Response<Part>) -> Response<Part> {
    if !response.body().is_on_disk() {
        return response;
    }
    match worker.kept.room_for_file(worker.limits.connect).await {
        Ok(descriptor) => response.map(|part| part.holding(claim, descriptor)),
        Err(_) => Page::NO_ROOM.response(),
    }
}

/// Attempts until an endpoint answers or may not be asked again.
async fn deliver(
    (worker, client): (&Rc<Worker>, &Arc<Client>),
    (host, path): (&str, &str),
    mut ticket: Ticket,
    (parts, mut upload): (&mut request::Parts, Upload),
    trail: &Trail,
) -> Result<(Ticket, Response<Reply>), Page> {
    let mut tries = Tries::default();
    // Sending it twice is the same as sending it once.
    let repeatable = upload.is_empty() && head::is_idempotent(&parts.method);
    loop {
        claim(worker, client, &mut ticket)?;
        client.on_idle(ticket.terms().idle);
        head::label_request(&mut parts.headers, &ticket.badge);
        trail.on_attempt(&ticket);
        let attempted = attempt(worker, &ticket, (parts, upload), repeatable).await;
        ticket.on_answer();
        if let Ok(response) = &attempted {
            ticket.on_status(response.status().as_u16());
        }
        let mut readmit = |failure| worker.readmit(host, path, &ticket, (&mut tries, failure));
        let (next, outcome, page) = match attempted {
            Ok(response) => {
                let unwanted = repeatable && ticket.terms().repeats_status(response.status().as_u16());
                match unwanted.then(|| readmit(Failure::Status)).flatten() {
                    Some(entry) => (Some((entry, Upload::empty())), Outcome::ServerError, Page::RESET),
                    None => {
                        sample(&ticket, ticket.said(), parts, path);
                        trail.on_answer(&ticket);
                        return Ok((ticket, response));
                    }
                }
            }
            Err(Attempt::Unsent(unsent)) => {
                let next = readmit(Failure::Unsent).map(|entry| (entry, unsent));
                (next, Outcome::Reset, Page::CONNECT_FAILED)
            }
            Err(Attempt::Full(unsent)) => {
                let next = readmit(Failure::Full).map(|entry| (entry, unsent));
                (next, Outcome::Cancelled, Page::NO_ROOM)
            }
            Err(Attempt::Broken) => {
                let next = repeatable.then(|| readmit(Failure::Broken)).flatten();
                (next.map(|entry| (entry, Upload::empty())), Outcome::Reset, Page::RESET)
            }
            Err(Attempt::Failed(outcome, page)) => (None, outcome, page),
        };
        sample(&ticket, outcome, parts, path);
        // Its place is free before another is waited for.
        let claim = ticket.claim.take();
        ticket.end(outcome);
        let entry;
        (entry, upload) = next.ok_or(page)?;
        ticket = seat((worker, client), (host, path), entry).await?;
        ticket.claim = claim;
    }
}

/// Keeps a request whose end counts against the instance, to be found in logs.
fn sample(ticket: &Ticket, outcome: Outcome, parts: &request::Parts, path: &str) {
    ticket.sample(outcome, |keep| {
        let id = head::request_id(&parts.headers);
        keep(id.as_ref().map_or(&b""[..], |id| id.as_bytes()), path);
    });
}

/// Why an attempt brought no answer.
enum Attempt {
    /// The endpoint saw nothing of the request. Its body, as it was.
    Unsent(Upload),
    /// The same, because it has as many requests as it takes.
    Full(Upload),
    /// It may have, and broke off before any answer.
    Broken,
    /// It may have, and the request must not be sent again.
    Failed(Outcome, Page),
}

/// `repeatable`: sending the request twice is the same as once.
async fn attempt(
    worker: &Rc<Worker>,
    ticket: &Ticket,
    (parts, mut upload): (&request::Parts, Upload),
    repeatable: bool,
) -> Result<Response<Reply>, Attempt> {
    if let Some(lease) = worker.kept.take(&ticket.endpoint, repeatable) {
        upload = match send(&worker.kept, lease, (parts, upload), ticket).await {
            Ok(response) => return Ok(response),
            Err(Miss::Unsent(upload)) => upload,
            // The endpoint closed the kept connection while the request was on its way. Nothing has come back.
            Err(Miss::Broken) if repeatable => Upload::empty(),
            Err(miss) => return Err(failed(miss)),
        };
        ticket.endpoint.manners().on_early_close();
    }
    fresh(worker, ticket, (parts, upload)).await
}

/// On a fresh connection, or on one that others use as well. Of these any may have ended unseen, or the endpoint may say that
/// it did nothing with the request: then another takes it.
async fn fresh(
    worker: &Rc<Worker>,
    ticket: &Ticket,
    (parts, mut upload): (&request::Parts, Upload),
) -> Result<Response<Reply>, Attempt> {
    let (mut ended, mut refused) = (0, false);
    loop {
        let within = ticket.within(ticket.terms().connect);
        let lease = match boxed(|| connect(&worker.kept, &ticket.endpoint, within)).await {
            Ok(lease) => lease,
            Err(error) if is_ours(&error) => {
                return Err(Attempt::Failed(Outcome::Cancelled, Page::NO_ROOM));
            }
            Err(error) if is_full(&error) => return Err(Attempt::Full(upload)),
            Err(error) => {
                tracing::debug!(instance = %ticket.endpoint.id, %error, "no connection");
                return Err(Attempt::Unsent(upload));
            }
        };
        let shared = lease.is_shared();
        upload = match send(&worker.kept, lease, (parts, upload), ticket).await {
            Err(Miss::Unsent(upload)) if shared && ended < MOST_SHARED => {
                ended += 1;
                upload
            }
            Err(Miss::Refused) if !std::mem::replace(&mut refused, true) => Upload::empty(),
            answered => return answered.map_err(failed),
        };
    }
}

fn failed(miss: Miss) -> Attempt {
    match miss {
        Miss::Unsent(upload) => Attempt::Unsent(upload),
        Miss::Broken | Miss::Refused => Attempt::Broken,
        Miss::Timeout => Attempt::Failed(Outcome::Timeout, Page::TIMEOUT),
        Miss::TooLarge => Attempt::Failed(Outcome::Cancelled, Page::TOO_LARGE),
        Miss::ClientSlow => Attempt::Failed(Outcome::Cancelled, Page::refused(Refusal::SLOW_BODY)),
        Miss::ClientFailed => Attempt::Failed(Outcome::Cancelled, Page::BAD_BODY),
        Miss::Garbled => Attempt::Failed(Outcome::Reset, Page::RESET),
    }
}

fn unasked_upgrade(ticket: Ticket) -> Page {
    ticket.end(Outcome::Reset);
    Page::RESET
}

fn relay(
    worker: &Rc<Worker>,
    response: Response<Reply>,
    (ticket, note, mut witness): (Ticket, Note, Option<Box<Witness>>),
) -> Response<Part> {
    let (mut parts, body) = response.into_parts();
    let hint = head::prepare_answer(&mut parts.headers);
    if let Some(witness) = &mut witness {
        witness.on_head(parts.status.as_u16(), &parts.headers, &ticket.badge.revision);
    }
    note.write(&ticket.badge, &mut parts.headers);
    parts.version = http::Version::HTTP_11;
    let outcome = Outcome::of_status(parts.status.as_u16());
    let stay = head::is_event_stream(&parts.headers).then(|| worker.leaving.stay(&ticket.endpoint));
    let call = head::is_grpc(&parts.headers).then(|| worker.leaving.stay_while_it_can(&ticket.endpoint));
    let flow = Flow::new(body, ticket, outcome, hint).leaving_with(stay).called(call);
    Response::from_parts(parts, Part::Flow(Box::new(flow.witnessed(witness))))
}

/// Joins the two connections once both are out of HTTP. In flight until either side closes.
fn tunnel(
    worker: &Rc<Worker>,
    client: &Arc<Client>,
    ours: OnUpgrade,
    response: Response<Reply>,
    (ticket, note, trail): (Ticket, Note, Rc<Trail>),
) -> Response<Part> {
    let (mut parts, reply) = response.into_parts();
    head::prepare_upgrade_answer(&mut parts.headers);
    note.write(&ticket.badge, &mut parts.headers);
    client.tunnel();
    let (open, stay) = (worker.open.tunnel(), worker.leaving.stay(&ticket.endpoint));
    let seat = worker.descriptors.seat_again();
    tokio::task::spawn_local(async move {
        let outcome = join(ours, reply.into_connection(), stay, ticket.terms().tunnel_idle).await;
        ticket.end(outcome);
        drop((trail, open, seat));
    });
    Response::from_parts(parts, Part::Empty)
}

async fn join(
    ours: OnUpgrade,
    theirs: Option<(Link, Share, Bytes)>,
    stay: Stay,
    idle: Option<Duration>,
) -> Outcome {
    let (Ok(ours), Some((link, _share, read))) = (ours.await, theirs) else { return Outcome::Cancelled };
    let theirs = Stream::new(link, read);
    let Some(idle) = idle else {
        tunnel::join(TokioIo::new(ours), theirs, stay).await;
        return Outcome::Good;
    };
    // Whatever moves goes through this side, one way or the other.
    let (theirs, watch) = Watched::new(theirs);
    tokio::select! {
        () = tunnel::join(TokioIo::new(ours), theirs, stay) => {}
        () = watch.quiet_for(idle) => {}
    }
    Outcome::Good
}
