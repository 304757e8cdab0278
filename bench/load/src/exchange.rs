//! One request from connection to judged answer.
//!
//! A server may close an idle connection in the very moment a request leaves on it. A careful client cannot tell that
//! from a crash, so the two are told apart here: closed before the first byte of an answer, on a connection that had
//! served before, is *stale*. A `GET` is then sent once more on a connection of its own and counted as retried; a
//! `POST` may have been acted upon and fails.

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::answer::{self, Answer, Broken};
use crate::config::Config;
use crate::connection::{Connection, Pool};
use crate::outcome::{Failure, Outcome};
use crate::request::{Kind, Request, SLOW_PAUSE, SLOW_PIECES};

/// Makes the request and says what became of it, within the configured time.
pub async fn make(config: &Config, pool: &Pool, request: Request) -> Outcome {
    let mut attempt = 0;
    let answered = timeout(config.timeout, attempts(config, pool, request, &mut attempt)).await;
    let answered = answered.unwrap_or(Err(Failure::Timeout));
    let revision = answered.as_ref().ok().and_then(|answer| answer.revision.clone());
    let result = answered.and_then(|answer| judge(config, &request, &answer));
    Outcome { result, revision, retried: attempt > 0, attempt }
}

async fn attempts(
    config: &Config,
    pool: &Pool,
    request: Request,
    attempt: &mut u8,
) -> Result<Answer, Failure> {
    let kept = if request.fresh { None } else { pool.take().0 };
    let first = match kept {
        Some(connection) => connection,
        None => open(config).await?,
    };
    match once(config, pool, request, first, 0).await {
        Err(Failure::StaleKeepalive) if config.retry && request.is_repeatable() => {
            *attempt = 1;
            once(config, pool, request, open(config).await?, 1).await
        }
        answered => answered,
    }
}

async fn open(config: &Config) -> Result<Connection, Failure> {
    Connection::open(config.target.address, config.tls.as_ref())
        .await
        .map_err(|error| Failure::of_connect(&error))
}

async fn once(
    config: &Config,
    pool: &Pool,
    request: Request,
    mut connection: Connection,
    attempt: u8,
) -> Result<Answer, Failure> {
    let (answered, sent) = talk(config, request, &mut connection, attempt).await;
    match answered {
        Ok(answer) => {
            if sent && answer.reusable && !request.fresh {
                pool.put(connection);
            }
            Ok(answer)
        }
        Err(broken) if connection.reused && !broken.begun && is_closed(broken.failure) => {
            Err(Failure::StaleKeepalive)
        }
        Err(broken) => Err(broken.failure),
    }
}

fn is_closed(failure: Failure) -> bool {
    matches!(failure, Failure::Reset | Failure::ClosedEarly)
}

/// Sends and reads at the same time, since a server may answer before it has read the whole body. The flag says
/// whether the whole request was sent. When sending breaks, the answer that may already wait is still read.
async fn talk(
    config: &Config,
    request: Request,
    connection: &mut Connection,
    attempt: u8,
) -> (Result<Answer, Broken>, bool) {
    let (mut source, mut sink) = tokio::io::split(&mut connection.stream);
    let mut reading = std::pin::pin!(answer::read(&mut source, &config.revision_headers));
    let mut writing = std::pin::pin!(send(config, request, &mut sink, attempt));
    tokio::select! {
        biased;
        sent = &mut writing => {
            let answered = reading.await;
            (answered, sent.is_ok())
        }
        answered = &mut reading => (answered, false),
    }
}

async fn send<W>(config: &Config, request: Request, sink: &mut W, attempt: u8) -> std::io::Result<()>
where
    W: AsyncWrite + Unpin,
{
    let body = request.body(config);
    let mut first = request.head(config, attempt).into_bytes();
    if request.kind == Kind::SlowBody {
        sink.write_all(&first).await?;
        for piece in body.chunks(body.len().div_ceil(SLOW_PIECES)) {
            tokio::time::sleep(SLOW_PAUSE).await;
            sink.write_all(piece).await?;
            sink.flush().await?;
        }
        return Ok(());
    }
    if body.len() <= 4096 {
        first.extend_from_slice(body);
        sink.write_all(&first).await?;
        return sink.flush().await;
    }
    sink.write_all(&first).await?;
    sink.write_all(body).await?;
    // TLS may hold something back.
    sink.flush().await
}

fn judge(config: &Config, request: &Request, answer: &Answer) -> Result<u16, Failure> {
    if answer.status >= 400 {
        return Err(Failure::Status(answer.status));
    }
    if !request.expect(config).accepts(&answer.body) {
        return Err(Failure::BadBody);
    }
    Ok(answer.status)
}
