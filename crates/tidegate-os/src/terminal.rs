//! Reading what nobody else in the room is to read.

use std::io::{self, BufRead, IsTerminal, Read};

use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};

/// One line of standard input, at most `most` bytes of it. A terminal does not show what is typed.
pub fn read_hidden(most: u64) -> io::Result<String> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return read_line(most);
    }
    let shown = tcgetattr(&stdin)?;
    let mut hidden = shown.clone();
    hidden.local_flags.remove(LocalFlags::ECHO);
    tcsetattr(&stdin, SetArg::TCSAFLUSH, &hidden)?;
    let line = read_line(most);
    tcsetattr(&stdin, SetArg::TCSAFLUSH, &shown)?;
    eprintln!();
    line
}

fn read_line(most: u64) -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().take(most).read_line(&mut line)?;
    Ok(line.trim().to_owned())
}
