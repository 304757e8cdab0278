use super::*;

const NAMES: &str = "second,n_stable,bad_stable,n_candidate,bad_candidate\n";

fn read(text: &str, many: bool) -> Result<Vec<Next>, Mistake> {
    let mut counts = Counts::new(text.as_bytes(), many);
    let mut all = Vec::new();
    loop {
        match counts.next() {
            Ok(Next::End) => return Ok(all),
            Ok(next) => all.push(next),
            Err(CountsError::Mistake(mistake)) => return Err(mistake),
            Err(CountsError::Io(error)) => panic!("{error}"),
        }
    }
}

fn seconds(text: &str, many: bool) -> Vec<Option<u64>> {
    let of = |next: Next| if let Next::Window(window) = next { Some(window.second) } else { None };
    read(text, many).unwrap().into_iter().map(of).collect()
}

#[test]
fn columns_may_be_in_any_order_and_lines_may_end_as_they_like() {
    let text = "n_candidate,second,slow2_candidate,bad_candidate,slow2_stable,n_stable,bad_stable\r\n10, 7 ,3,1,20,90,2\r\n";
    let Next::Window(window) = read(text, false).unwrap()[0] else { panic!("no window") };
    assert_eq!((window.second, window.candidate.n, window.candidate.bad), (7, 10, 1));
    assert_eq!((window.stable.slow[1], window.candidate.slow[1], window.stable.slow[0]), (20, 3, 0));
    assert_eq!(seconds("0,1,0,1,0\n5,1,0,1,0", false), [Some(0), Some(5), None]);
}

#[test]
fn runs_end_at_empty_lines_at_names_and_where_time_goes_back() {
    let line = |second: u64| format!("{second},9,0,1,0\n");
    let [a, b] = [line(0), line(1)];
    let two = [Some(0), Some(1), None, Some(0), Some(1), None];
    for between in ["", "\n", "\n \n", NAMES] {
        assert_eq!(seconds(&format!("{NAMES}{a}{b}{between}{a}{b}"), true), two, "{between:?}");
    }
    assert_eq!(seconds(&format!("\n\n{NAMES}\n{a}\n\n"), true), [Some(0), None]);
}

#[test]
fn a_mistake_has_its_place() {
    let cases = [
        ("second,n_stable\n", 1, 1, "`bad_stable` is missing"),
        ("second,m_stable\n", 1, 8, "`m_stable` is no column"),
        ("second,second\n", 1, 8, "there twice"),
        (
            "second,n_stable,bad_stable,n_candidate,bad_candidate,slow1_stable\n",
            1,
            1,
            "`slow1_candidate` is missing",
        ),
        ("0,90,-1,10,0\n", 1, 6, "negative"),
        ("0,90,1.5,10,0\n", 1, 6, "no whole number"),
        ("0,90,x,10,0\n", 1, 6, "no whole number"),
        ("0,90,0,10,\n", 1, 11, "no number"),
        ("-3,90,0,10,0\n", 1, 1, "negative"),
        ("0,1234567890123,0,10,0\n", 1, 3, "too large"),
        ("0,90,0,10\n", 1, 1, "4 numbers where there are 5 columns"),
        ("0,90,0,10,0,0\n", 1, 1, "6 numbers"),
        ("0,90,91,10,0\n", 1, 6, "more than the 90 requests of `n_stable`"),
        ("0,90,0,10,0\n1,90,0,10,11\n", 2, 11, "more than the 10 requests of `n_candidate`"),
        ("3,90,0,10,0\n2,90,0,10,0\n", 2, 1, "second 2 comes after second 3"),
    ];
    for (text, line, column, message) in cases {
        let mistake = read(text, false).unwrap_err();
        assert_eq!((mistake.line, mistake.column), (line, column), "{text}: {mistake:?}");
        assert!(mistake.message.contains(message) && !mistake.help.is_empty(), "{text}: {mistake:?}");
    }
    let long = format!("0,90,0,10,0\n{}", "1".repeat(2 << 20));
    assert_eq!(read(&long, false).unwrap_err().line, 2);
}

/// Lines that lie across two reads of the input.
#[test]
fn no_line_is_torn() {
    struct Drops<'a>(&'a [u8]);
    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let some = self.0.len().min(7).min(buffer.len());
            buffer[..some].copy_from_slice(&self.0[..some]);
            self.0 = &self.0[some..];
            Ok(some)
        }
    }
    let text: String =
        (0..500).map(|second| format!("{second},{},1,{},2\n", second + 90, second + 10)).collect();
    let mut counts = Counts::new(Drops(text.as_bytes()), false);
    for second in 0..500 {
        let Next::Window(window) = counts.next().unwrap() else { panic!("no window") };
        assert_eq!((window.second, window.stable.n, window.candidate.bad), (second, second + 90, 2));
    }
    assert_eq!((counts.next().unwrap(), counts.next().unwrap()), (Next::RunEnds, Next::End));
}
