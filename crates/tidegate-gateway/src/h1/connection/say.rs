//! What the gateway itself says to a client of the fast path.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Connection, Next, after};
use crate::front::refusal_text;
use crate::front::screen::Refusal;
use crate::h1::account::Account;
use crate::h1::desk::Desk;
use crate::h1::request::Bound;
use crate::page::Page;

impl Connection<'_> {
    /// Answers for the app. `length`: what of the input is the request's head.
    pub(super) async fn say(
        &mut self,
        mut desk: Box<Desk>,
        length: usize,
        page: Page,
        bound: &Bound,
        account: &mut Account,
    ) -> Next {
        account.on_page(&page);
        desk.input.consume(length);
        // A body that nobody reads would be taken for the next request.
        let close = bound.close || !bound.body.over() || self.worker.is_draining();
        desk.reply.clear();
        page.write(&mut desk.reply, close, bound.is_head);
        if self.write_reply(&desk).await { after(desk, bound, close) } else { Next::Gone }
    }

    pub(super) async fn refuse(&mut self, mut desk: Box<Desk>, refusal: Refusal) -> Next {
        self.worker.tally.on_refusal(refusal.why);
        desk.reply.clear();
        desk.reply.extend_from_slice(refusal_text(refusal).as_bytes());
        if self.write_reply(&desk).await { Next::Linger(desk) } else { Next::Gone }
    }

    async fn write_reply(&mut self, desk: &Desk) -> bool {
        let written = tokio::time::timeout(self.worker.limits.stall, async {
            self.wire.write_all(&desk.reply).await?;
            self.wire.flush().await
        })
        .await;
        matches!(written, Ok(Ok(())))
    }

    pub(super) async fn linger(&mut self) -> std::io::Result<()> {
        self.wire.shutdown().await?;
        let mut rest = [0; 1024];
        while self.wire.read(&mut rest).await? > 0 {}
        Ok(())
    }
}
