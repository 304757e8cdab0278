//! A small app for this crate's own tests: answers every request on `$PORT` (or its first argument) with the status in
//! the file `status` of its directory, 200 where there is none.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpListener;

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).or_else(|| std::env::var("PORT").ok()).unwrap_or_default();
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    for stream in listener.incoming() {
        let mut stream = stream?;
        let lines = BufReader::new(stream.try_clone()?).lines();
        let request: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        if request.is_empty() {
            continue;
        }
        let status = std::fs::read_to_string("status").unwrap_or_else(|_| "200".to_owned());
        let _ = write!(
            stream,
            "HTTP/1.1 {} x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
            status.trim()
        );
    }
    Ok(())
}
