//! What the gateway's own answers mean. Each carries its mark in the header `tidegate-gateway`; `tidegate explain MARK` says
//! what it stands for and where to look.

/// The explanation of a mark; `None`: the gateway has no such mark.
pub fn explanation(mark: &str) -> Option<&'static str> {
    MARKS.iter().find(|(known, _)| *known == mark).map(|(_, text)| *text)
}

const MARKS: &[(&str, &str)] = &[
    (
        "no-route",
        "404: no route has the host and path of the request. Compare them with `routes` of the manifest: hosts are matched \
         whole, paths by prefix at a `/`. `tidegate status` shows the addresses that are routed.",
    ),
    (
        "ambiguous-path",
        "400: the path can be read in two ways (`//`, `.` and `..`, `;`, `\\`, escaped slashes) that lead to different routes of \
         the host, and nobody knows which way the app reads it. Otherwise a route with `allow` or `basic_auth` could be passed \
         by. Nobody types such a path: look at what wrote it.",
    ),
    (
        "no-endpoint",
        "503: the service has no instance in rotation, or the files of its site cannot be used. `tidegate status` shows which \
         instances are ready and what is waited for, `tidegate explain` why the last rollout did not succeed.",
    ),
    (
        "cold-start",
        "503: nothing of the service ran, which is scaled to zero, and no instance was ready in the time that requests are held; \
         or the control plane, which starts one, does not run. `tidegate status` shows what it waits for, `tidegate logs` what \
         the instance says.",
    ),
    (
        "many-held",
        "503: nothing of the service runs yet, which is scaled to zero, and as many requests wait for its first instance as are \
         held. `scale.min: 1` keeps one running.",
    ),
    (
        "overloaded",
        "503: every instance has as many requests as `traffic.concurrency` allows, and the queue is full or nothing came free \
         in time. Scale the service up (`tidegate scale`), raise `per_instance`, or find out why its answers take so long.",
    ),
    (
        "circuit-open",
        "503: nearly everything failed of late, and `traffic.breaker` lets nothing through for a while. The failures before it \
         are the cause: `tidegate logs` of the service, and its 5xx in the metrics.",
    ),
    (
        "connect-failed",
        "502: no instance that was tried accepted a connection. It has ended, listens on another port than $PORT or on another \
         address, or is too busy to accept. `tidegate status` shows restarts, `tidegate logs` its last words.",
    ),
    (
        "reset",
        "502: the instance closed the connection before it answered, and the request could not be repeated safely. It crashed, \
         or closes kept connections early; `tidegate logs` at the time of the request says more.",
    ),
    (
        "timeout",
        "504: the instance did not answer in time. `traffic.timeouts` of the service says how long is waited; `tidegate logs` \
         and the latencies in the metrics show what it was doing.",
    ),
    (
        "bad-request",
        "400, 431 or 501: the client's request is not valid HTTP, says two things at once, names no usable host, broke off, or \
         asks for a tunnel. The text of the answer says which. The app never saw it.",
    ),
    (
        "closed",
        "503: the settings of this route cannot be used, so nobody is let in by it: a password or an allow-list might be \
         missing. The gateway's log (gateway/gateway.log in the data directory) names the route and the setting; mend \
         the manifest and deploy again.",
    ),
    (
        "not-allowed",
        "403: the client's address is not among `allow` of the route. Behind a load balancer the gateway sees the \
         balancer's address unless `--proxy-protocol` names it.",
    ),
    (
        "origin",
        "403: a script of another origin asked first whether it may call, and `cors.origins` of the route does not name it.",
    ),
    ("unauthorized", "401: the route has `basic_auth`, and the request has no name or not its password."),
    (
        "busy",
        "503: so many passwords are being checked that this one would have to wait. Somebody may be guessing; \
         `rate_limit` on the route keeps them off, and a lower bcrypt cost makes checks cheaper.",
    ),
    (
        "rate-limit",
        "429: the client asked more often than `rate_limit` of the route allows. `Retry-After` says when it may come \
         again; `by` says what a client is.",
    ),
    ("too-large", "413: the body of the request is larger than `max_request` of the route."),
    ("answer-too-large", "502: the app's answer is larger than `max_response` of the route."),
    (
        "no-file",
        "404: the site has no such file. Names that begin with a dot are never served; `spa: true` answers with \
         index.html instead. See what the build put into the folder that `static` names.",
    ),
    (
        "file",
        "500: the file is there and cannot be read. The gateway's log (gateway/gateway.log in the data directory) says why.",
    ),
    (
        "changed",
        "412: the client asked for a file only if it is the one it has, and it is another one by now.",
    ),
    ("range", "416: the client asked for bytes that the file does not have."),
    ("method", "405: a site's files can be read (GET, HEAD) and nothing else."),
    (
        "redirect",
        "The route, its `https: redirect`, or a folder of a site sends the client elsewhere: `Location` says where.",
    ),
    ("maintenance", "The route has `maintenance`: everybody but those in its `allow` gets the page."),
    (
        "preflight",
        "204: the gateway answered a browser's question whether another origin may call, by `cors` of the route.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// As the gateway's own source names them.
    const PAGES: &str = include_str!("../../tidegate-gateway/src/page.rs");

    #[test]
    fn every_mark_of_a_page_is_explained() {
        let marks =
            PAGES.lines().filter_map(|line| line.trim().strip_prefix("mark: \"")?.strip_suffix("\","));
        let marks: Vec<&str> = marks.collect();
        assert!(marks.len() > 20, "{marks:?}");
        for mark in marks {
            assert!(explanation(mark).is_some(), "`{mark}` is not explained");
        }
        assert_eq!(explanation("no-such-mark"), None);
    }
}
