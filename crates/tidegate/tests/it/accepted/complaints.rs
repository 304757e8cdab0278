//! What a gateway says while it makes a table ready.

use std::io;
use std::sync::{Arc, Mutex};

use tidegate_core::model::RouteTable;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl io::Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Said {
    type Writer = Said;

    fn make_writer(&'w self) -> Said {
        self.clone()
    }
}

/// Why the table is refused, or what of it is left out; empty where all of it is used.
pub fn of(table: &RouteTable) -> String {
    let said = Said::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(said.clone())
        .with_ansi(false)
        .without_time()
        .with_max_level(tracing::Level::WARN)
        .finish();
    let refused = tracing::subscriber::with_default(subscriber, || tidegate_gateway::fuzz::table(table));
    let said = String::from_utf8_lossy(&said.0.lock().unwrap()).into_owned();
    refused.err().unwrap_or_default() + &said
}
