//! Every diagnostic's code with what it means: `explain CODE` and the reference page are made from this list.

/// A diagnostic's stable code and its explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The code: `manifest::unknown-key`.
    pub id: &'static str,
    /// One paragraph: what is wrong and what to do.
    pub explanation: &'static str,
}

/// Every code, in the order of the documentation.
pub fn codes() -> &'static [Code] {
    ALL
}

macro_rules! codes {
    ($($name:ident = $id:literal, $explanation:literal;)*) => {
        $(pub(crate) const $name: Code = Code { id: $id, explanation: $explanation };)*
        const ALL: &[Code] = &[$($name),*];
    };
}

codes! {
    TOO_LARGE = "file::too-large", "The file is larger than 1 MiB. Manifests, Procfiles and env files are small and \
        written by people; a larger one is a mistake or an attack, and is not read.";
    TOO_MANY_MISTAKES = "file::too-many-mistakes", "The file has more mistakes than are shown. Mend the ones shown \
        and check again; one cause often makes many.";
    SYNTAX = "manifest::syntax", "The file is not YAML. The place shown is where reading had to stop; the cause is \
        often a line before it: a missing quote, a bracket that is not closed, a line indented differently from its \
        neighbours, or a text with `: ` or ` #` in it that needs quotes.";
    TAB = "manifest::tab", "The line is indented with a tab. YAML allows only spaces for indentation. Most editors \
        can be told to insert spaces in YAML files.";
    EMPTY = "manifest::empty", "The file has nothing in it but white space and comments. The shortest manifest names \
        the app and one service with the command to run; `tidegate init` writes one.";
    SEVERAL_DOCUMENTS = "manifest::several-documents", "The file holds more than one YAML document, separated by \
        `---`. A manifest is one document; a second one would be silently ignored, so it is refused.";
    ALIAS = "manifest::alias", "A YAML alias (`*name`) refers to an anchor (`&name`) that does not stand before it, \
        or to a value that contains the alias itself. A text that begins with `*`, such as the host `*.example.com`, \
        needs quotes.";
    TOO_COMPLEX = "manifest::too-complex", "The file expands to more values than a manifest can need, usually by \
        aliases of aliases, or is nested too deeply. This bound keeps a hostile file from using up memory.";
    TAG = "manifest::tag", "The value carries a YAML tag (`!name`). A manifest knows no tags but `!!str`, which makes \
        a text of anything; quotes do the same.";
    MERGE_KEY = "manifest::merge-key", "The merge key `<<` is not part of YAML 1.2 and readers disagree about it. \
        Give the whole value an alias, or write the keys out. What services have in common can go to the top level \
        `env`, and what differs between environments to `environments`.";
    BAD_KEY = "manifest::bad-key", "A key is to be a word. Here it is a list, a map or nothing, often because a text \
        that begins with `{` or `[` has no quotes.";
    DUPLICATE_KEY = "manifest::duplicate-key", "The same key stands twice in one map. Which one counts would depend \
        on the reader, so neither is taken. Remove one.";
    UNKNOWN_KEY = "manifest::unknown-key", "There is no such key in this place. Keys are never ignored: a misspelt \
        one would otherwise change nothing, silently. The help line lists the keys that may stand there.";
    MISSING_KEY = "manifest::missing-key", "A key that must be there is not. An app needs `app` and `services`, a \
        service needs `run` or `static`, a route needs `host` and `to` (or a redirect), and a strategy map needs the name of a strategy.";
    NO_VALUE = "manifest::no-value", "The key has no value. Write one, or remove the key to get the default. An empty \
        text is written `\"\"`.";
    WRONG_TYPE = "manifest::wrong-type", "The value is of another kind than the key takes: a list where a map is \
        wanted, a text where a number is, and so on. Quotes make a text of a number or a boolean.";
    BAD_REFERENCE = "manifest::bad-reference", "The value of a variable has the beginning of a reference that is none. \
        References are `${secret.NAME}`, `${param./PATH}` and `${param./PATH:LABEL}`; whatever else stands in braces is \
        text, and `$${secret.NAME}` is how to write the text of a reference itself.";
    STEP_REFERENCE = "manifest::step-reference", "A variable of a step refers to a secret or a parameter. Steps get secrets only \
        where they name them: put the name into `secrets` of the step, and read the variable of that name.";
    BAD_NAME = "manifest::bad-name", "Names of apps, services and environments have 1 to 40 of a-z, 0-9 and `-`, \
        begin with a letter and do not end with `-`: they become part of file names, host names and variables.";
    YAML_BOOLEAN = "manifest::yaml-boolean", "The key is one of the words that YAML 1.1 readers, among them many \
        editors and linters, turn into true, false or nothing: on, off, yes, no, y, n, true, false, null. Choose \
        another name; an environment variable of that name can be written in quotes.";
    BAD_DURATION = "manifest::bad-duration", "A duration is a whole number and a unit without a space: `250ms`, \
        `30s`, `5m`, `2h`, `1d`. A number alone is refused because readers disagree about its unit.";
    BAD_SIZE = "manifest::bad-size", "A size is a whole number and a unit without a space: `512KiB`, `256MiB`, \
        `2GiB`. Units of 1000 (MB, GB) are refused because half their readers mean 1024.";
    BAD_PERCENT = "manifest::bad-percent", "A share is a whole number of percent with its sign and without a space: \
        `20%`. A number alone is refused, because 0.2 and 20 would both be read as the same share by somebody.";
    OUT_OF_RANGE = "manifest::out-of-range", "The value is smaller or larger than what works. The message says the \
        bounds.";
    TOO_MANY = "manifest::too-many", "There are more services, environments, routes or variables than one app may \
        have. Large systems consist of several apps, each with a manifest of its own.";
    BAD_CHOICE = "manifest::bad-choice", "The value is not one of the words this key takes.";
    EMPTY_RUN = "manifest::empty-run", "A command is empty. `run` is given to `/bin/sh -c`; an empty one would end at \
        once and look like a crash.";
    BAD_TEXT = "manifest::bad-text", "The text is too long or contains a NUL character, which neither a command nor \
        an environment variable can carry.";
    BAD_ENV_NAME = "manifest::bad-env-name", "The name of an environment variable has letters, digits and `_` and \
        does not begin with a digit; other names cannot be used from a shell.";
    RESERVED_ENV = "manifest::reserved-env", "Tidegate sets PORT and every variable that begins with TIDEGATE_ itself, \
        for each instance. For a fixed port use the service's key `port`.";
    BAD_HOST = "manifest::bad-host", "A route's host is a DNS name without scheme, port or path, `*.` and a DNS name \
        for all its subdomains, or `*` for every host that no other route names. A host that begins with `*` needs \
        quotes in YAML.";
    BAD_PATH = "manifest::bad-path", "A path begins with `/` and has no white space, no `..` and, in a route, no \
        query. A route's path is a prefix that is matched at a `/`: `/api` takes `/api` and `/api/users`, not \
        `/apix`. It has no `;`, no `%` that is no escape, and no escaped `/`, `\\`, `;` or `%`: apps read those in different ways.";
    DUPLICATE_ROUTE = "manifest::duplicate-route", "Two routes have the same host and path, so one of them could \
        never be taken. `/api` and `/api/` are the same path, and so are `/admin` and `/%61dmin`.";
    ROUTE_OPTION = "manifest::route-option", "Two settings of a route exclude each other, or one has no meaning without \
        another: a route that redirects leads to no service, `strip_prefix` and `rewrite` both change the path, \
        `subdomains` says more about `hsts`.";
    BAD_NETWORK = "manifest::bad-network", "Clients are told by their address (`192.0.2.7`, `2001:db8::1`) or a network \
        in CIDR form (`10.0.0.0/8`). Bits behind the prefix are refused: they show that another network was meant.";
    BAD_RATE = "manifest::bad-rate", "A rate is a number of requests, the word `per` and a time: `100 per 1m`. A map with \
        `requests`, `per`, `burst` and `by` says more.";
    BAD_CLIENT_KEY = "manifest::bad-client-key", "Clients are told apart by `address`, by a header field \
        (`header:x-api-key`) or by a cookie (`cookie:session`).";
    BAD_ORIGIN = "manifest::bad-origin", "An origin is a scheme and a host, perhaps with a port, and no path: \
        `https://shop.example.com`. `https://*.example.com` means all its subdomains, `*` every origin.";
    CORS_CREDENTIALS = "manifest::cors-credentials", "Cookies cannot be allowed to every origin: any site could then act \
        as the user who visits it. Browsers refuse the combination too. Name the origins.";
    BAD_HASH = "manifest::bad-hash", "The password of a user is written as a bcrypt hash, never as itself: `htpasswd -nB \
        NAME` asks for the password and prints the line. The cost is at most 14, because every check of a password costs \
        two to the power of it.";
    BAD_URL = "manifest::bad-url", "The length of a queue is asked for at a plain `http://` URL, a check at one that begins with \
        `http://` or `https://`; both without user, password and fragment. A check's URL can have places like `{address}`. For \
        anything else write a `command`.";
    BAD_REDIRECT = "manifest::bad-redirect", "A redirect leads to an absolute http or https URL or to a path that begins \
        with one `/`. `{path}`, `{query}` and `{host}` stand for what the client asked for.";
    REDIRECT_LOOP = "manifest::redirect-loop", "A redirect leads to where it came from, so that clients go round until they \
        give up. A route has no say in the scheme of a request: to have clients come with TLS, write `https: redirect`.";
    BAD_HEADER = "manifest::bad-header", "The name or value of a header field cannot be sent, or the field is one that \
        the gateway writes itself because it says where a message ends: connection, content-length, expect, \
        keep-alive, te, trailer, transfer-encoding, upgrade, and all that begin with tidegate-. A request has exactly one host, so that \
        field can only be set.";
    TRAFFIC_OPTION = "manifest::traffic-option", "Settings of `traffic` exclude each other, or one has no meaning: the \
        service gets no requests, a part of a request may take longer than the whole, `sticky` says two ways or none, or a \
        rule of `arms` would match every request.";
    MIRROR_TO = "manifest::mirror-to", "Copies of requests go to `candidate` or to another service that gets requests. A \
        service cannot be sent copies of its own, and one without a port cannot be sent any.";
    BAD_PLACE = "manifest::bad-place", "Countries are the two letters of ISO 3166-1 (`DE`), regions the letters or digits \
        behind the country in ISO 3166-2 (`BY`) or the two letters of a continent (`EU`).";
    BAD_JSON_PLACE = "manifest::bad-json-place", "A place in a JSON body is the names of members with dots between them: \
        `items.*.id`. `*` stands for any one member or item, `**` for any number of them, once and not at the end.";
    BAD_OUTCOME = "manifest::bad-outcome", "An answer that counts in an A/B is a method or `*`, a path (with `/*` at its end all \
        below it), a status or its class, and a time where it counts: `POST /checkout 2xx`, `GET /search/* 2xx under 300ms`.";
    BAD_ROOT = "manifest::bad-root", "Files that are served stand in a folder of the build, named without a `/` at its \
        beginning and without `..`: `dist`. `.` is the whole build.";
    STATIC_SERVICE = "manifest::static-service", "A service with `static` is a folder of files that the gateway serves. \
        Nothing runs, so that keys about running, asking, stopping and counting instances have no meaning.";
    UNKNOWN_SERVICE = "manifest::unknown-service", "A route or an environment names a service that `services` does not \
        declare. An environment can change a service but not add one.";
    MIGRATE_FORMS = "manifest::migrate-forms", "The expand step of a migration stands either in `migrate` itself (`migrate: \
        { run: … }`, the short form) or in `migrate.expand` (the long one), not in both.";
    BAD_SCHEDULE = "manifest::bad-schedule", "A schedule has the five fields of cron: minute, hour, day of the month, \
        month, day of the week. Six fields have seconds in front. `@hourly` and its like stand for some of them. A day \
        that no calendar has, such as 30 February, is refused: the job would never run.";
    BAD_TIMEZONE = "manifest::bad-timezone", "A time zone is written by its IANA name, an area and a city: \
        `Europe/Berlin`. Abbreviations such as CEST are refused: they do not say when clocks change.";
    JOB_NAME = "manifest::job-name", "A job and a service have the same name. Output, events and units are found by that \
        name, so that one of the two needs another.";
    UNKNOWN_JOB = "manifest::unknown-job", "An environment names a job that `jobs` does not declare. An environment can \
        change a job but not add one.";
    ROUTE_WITHOUT_PORT = "manifest::route-without-port", "A route leads to a service that says `port: none`. Requests \
        can only go to a service that listens: remove the route or the `port: none`.";
    PROBE_WITHOUT_PORT = "manifest::probe-without-port", "A probe by `http` or `tcp` needs a port to ask, and the \
        service says `port: none`. Use `command`, or give the service a port.";
    PROBE_CHECK = "manifest::probe-check", "A probe asks in exactly one way: `http` (GET of a path), `tcp` (the port \
        accepts a connection) or `command` (exits 0).";
    PROBE_PROTOCOL = "manifest::probe-protocol", "A probe by `http` asks in plain HTTP/1.1. Instances that speak TLS never \
        answer it, and those that speak HTTP/2 alone, as most gRPC servers do, do not either. Ask by `tcp` or by a `command`.";
    MISPLACED_WITHIN = "manifest::misplaced-within", "`within` is how long an instance may take until it is ready for \
        the first time. It stands in the startup probe, or in the ready probe of a service without one.";
    FIXED_PORT = "manifest::fixed-port", "A service with a fixed port can have one instance only: two processes cannot \
        listen on the same port, and neither can two services. Use `port: auto` and listen on $PORT.";
    SCALE_ORDER = "manifest::scale-order", "`max` is smaller than `min`.";
    SCALE_SCHEDULE = "manifest::scale-schedule", "An entry of `schedule` says on which days (`mon-fri`, `sat,sun`, `daily`), from \
        when to when (`\"08:00\"`, two digits each) and in which time zone (its IANA name) other bounds hold. It needs \
        `from` and `to`, and `max` may not be smaller than `min`.";
    SCALE_TARGET = "manifest::scale-target", "What the number of instances is to follow cannot work as written. It \
        follows `rps`, `concurrency`, `cpu`, `p95` or the length of a `queue` between `min` and `max`; the first two and \
        `p95` need a service with a port, a queue needs a `target` and one way to learn its length, and `idle` and `hold` \
        belong to `min: 0`.";
    STRATEGY_NOT_YET = "manifest::strategy-not-yet", "The strategy is planned and not part of this version. It is \
        refused rather than replaced, because a rollout must never be bolder than what was asked for.";
    STRATEGY_OPTION = "manifest::strategy-option", "The option has no meaning for this strategy: `batch` belongs to \
        the rolling strategies, `steps` to `canary`, `waves` to `phased`.";
    STRATEGY_IMPOSSIBLE = "manifest::strategy-impossible", "The service cannot have this strategy. Two revisions side by side \
        are not possible on a fixed port; shares, groups, copies and comparing need requests, which a service without a port \
        does not get; going instance by instance needs more than one, something that says when one is ready, and no folder of \
        files.";
    STRATEGY_BLIND = "manifest::strategy-blind", "The strategy can be had and will see nothing of what it is to judge, so it \
        ends inconclusive.";
    BAD_STEP = "manifest::bad-step", "A step of a strategy is a share with a time (`5% for 2m`), a group of users (`header \
        x-preview=1`, `cookie beta=1`, `cohort staff`, `country NZ, AU then EU`), copies (`mirror 10%`), a number of \
        instances (`scale 3`), a wait (`pause`, `pause 10m`, `approve`) or a decision (`analyse until decided (max 30m)`, \
        `check smoke for 1m (max 10m)`); or a map that says one of these.";
    STEP_ORDER = "manifest::step-order", "Shares grow from step to step, so that nobody who has met the candidate is sent \
        back and forth. All the traffic follows the last step by itself; `100%` may be written there, without a time: how \
        long the candidate is watched then is `bake`.";
    UNKNOWN_COHORT = "manifest::unknown-cohort", "A step names a group of clients that `cohorts`, beside the steps, does not \
        know. A cohort says where the client's name is and who belongs to it.";
    UNKNOWN_CHECK = "manifest::unknown-check", "A step names a check that `checks`, beside the steps, does not know. A check says \
        whom it asks, what the answer has to be and what it means that there is none.";
    CHECK_OPTION = "manifest::check-option", "A check asks in exactly one way: `prometheus` (a query, with `url` and a limit), `http` \
        (a URL) or `command`. Numbers have a `min`, a `max` or both. A bearer token stands in no manifest: `token` names the \
        variable that has it, and its value is given with `--env-file`.";
    TRAIN_MEMBERS = "manifest::train-members", "A train names two services or more, each once, in the order of their calls: \
        those that call before those they call. A service is in one train at most.";
    TRAIN_IMPOSSIBLE = "manifest::train-impossible", "The service cannot be rolled out as one with others. A member of a train \
        takes requests, can run beside stable (no fixed port), is always there (`min: 1`), and comes by a strategy that leaves \
        stable whole until it is its turn: `blue-green`, or one that goes by steps.";
    BAD_FLAG_KEY = "manifest::bad-flag-key", "The key of a flag has 1 to 200 of A-Z, a-z, 0-9, `.`, `_` and `-`. Clients put it \
        into paths as it is.";
    BAD_DAY = "manifest::bad-day", "A day is written as year, month and day: `2026-12-31`. Where a time of day \
        can follow it is written `2026-12-31T18:00`.";
    FLAG_NEEDS = "manifest::flag-needs", "A flag lacks what its class asks for, or has it wrong. Every flag has an owner; a rollout \
        has a day on which it should be gone (`expires`), an experiment a `metric`, an entitlement is false by default, and an \
        operational flag has a default.";
    FLAG_VARIANT = "manifest::flag-variant", "A variant is named that the flag does not have, or its value is not of the flag's \
        type. A boolean flag has the variants `on` and `off` unless it says others; a flag of another type says its `variants` \
        and which of them is the `default`.";
    FLAG_RULE = "manifest::flag-rule", "The rule of a flag, or a segment, cannot be understood, so that the flag could never be \
        evaluated. Rules are JsonLogic as flagd has it: an object with one operator, `{\"==\": [{\"var\": \"plan\"}, \"pro\"]}`.";
    FLAG_FILES = "manifest::flag-files", "`flag_files` names files within the repository, `flags/*.yaml`; `*` and `?` stay within a \
        name, `**` is any number of folders. A link is refused, and files that Git ignores are not there.";
    FLAG_FILE = "flags::file", "A file of `flag_files` cannot be used. It is to be in flagd's format, as JSON or YAML, of at most 1 MiB: \
        `flags` with state, variants, default variant and, if you like, `targeting` and `metadata`.";
    FLAG_TWICE = "flags::defined-twice", "Two files, or a file and the manifest, define the same flag, segment or evaluator. Which one \
        counts would be chance, so neither is taken. Remove one.";
    FLAG_UNDEFINED = "flags::undefined", "The code asks for a flag that nobody defines: it would get its own default for ever, and nobody \
        could release it. Define the flag in `flags`, or mend the key. An app that says neither `flags` nor `flag_files` is not \
        looked at.";
    FLAG_EXPIRED = "flags::expired", "The day on which the flag should have been gone is over. It is still served; remove its code and then \
        its definition, or give it another day.";
    FLAG_UNREACHED = "flags::rule-for-all", "The rule of a rollout gives everybody a variant, by an `else` or a draw without a gap, \
        and rules come before what is released: `release on` and `release to` change nothing that anybody sees. Take the last \
        branch out. `release off` and `release kill` go before rules and work all the same.";
    FLAGS_PARTLY = "flags::partly-read", "The repository has more source than is looked through for flags: at most 100,000 text \
        files of 512 MiB together, each of at most 8 MiB. Of a flag that was not found nobody knows then whether the code asks \
        for it: releases are not held up by that, it is not called unreferenced, and it cannot be archived. Name what is no code \
        in `.gitignore`.";
    PIPELINE_STAGE = "manifest::pipeline-stage", "A stage of a pipeline is one thing: `build`, `test`, `deploy` or `verify` (a word, or \
        `do` in a map), `steps` of its own, `smoke: true` with steps, or `release` with flags. `build` and `test` need the app's own \
        `build` and `test`; `when` and `parallel` belong to stages with steps, `when` to `release` too.";
    PIPELINE_ORDER = "manifest::pipeline-order", "The stages of a pipeline are done in an order in which each finds what it needs: the \
        build before the deploy, the deploy before what asks or finishes it (`smoke`, `verify`, `release`), every smoke test before \
        `verify`, and `release` last. `needs` names earlier stages; without it a stage waits for the one before it.";
    PIPELINE_STEP = "manifest::pipeline-step", "A step of a pipeline is found by its name, so that it is unique in its stage, and every \
        variable it gets comes from one place: `env`, `matrix`, `secrets` or a service beside it. A matrix has at most 50 \
        combinations, a stage at most 100 steps. A step with `network: none` has no services.";
    WORKSPACE_PATH = "manifest::workspace-path", "What is cached, kept or read lies in the step's workspace: a path with `/` that does not \
        begin with one, without `..`. `*` stays within a name, `**` is any number of folders; a cache is one folder.";
    BAD_BRANCH = "manifest::bad-branch", "Branches are named without `refs/heads/` and without the remote: `main`. `*` stands for any part of \
        a name up to the next `/`, `**` for any number of parts: `release/*`, `feature/**`.";
    ENVIRONMENT_POLICY = "manifest::environment-policy", "What an environment says of the way into it cannot work: it is promoted from itself \
        or in a circle, nobody is left who could agree, a window is closed before it opens, nothing could ever be deployed \
        to it, or it is made for branches and is to be protected or promoted from.";
    NOT_USED_YET = "manifest::not-used-yet", "The key is understood and checked but nothing acts on it in this \
        version. It is accepted so that a manifest for a later version can be used today.";
    UNKNOWN_ENVIRONMENT = "manifest::unknown-environment", "The environment that was asked for, or that another \
        part of the manifest names, is not declared in `environments`. Where none is declared every name can be used.";
    WHICH_ENVIRONMENT = "manifest::which-environment", "The manifest declares several environments, none of them is \
        called `production`, and the command does not say which one is meant. Use `-e NAME`.";
    NOTIFY = "manifest::notify", "Each of `notify` is told in exactly one way: `webhook` (a URL), `chat` (a hook's URL) or `mail` (addresses, with \
        `server` and `from`). A URL that is a secret, a token and a password stand in no manifest: write the name of the secret.";
    PROCFILE_SYNTAX = "procfile::syntax", "A line of a Procfile is a name, a colon and a command: `web: node \
        server.js`. Empty lines and lines that begin with `#` are skipped.";
    PROCFILE_NAME = "procfile::bad-name", "The name of a process becomes the name of a service: 1 to 40 of a-z, 0-9 \
        and `-`, beginning with a letter.";
    PROCFILE_DUPLICATE = "procfile::duplicate", "Two lines have the same name.";
    PROCFILE_EMPTY = "procfile::empty", "The Procfile declares no service: it has no line but `release:`, or none at \
        all.";
    ENV_SYNTAX = "env-file::syntax", "A line of an env file is `NAME=value`, with `export` before it if you like. \
        Values with spaces or `#` go into quotes; a quote that is opened is closed, which may be lines later.";
    ENV_NAME = "env-file::bad-name", "The name of an environment variable has letters, digits and `_` and does not \
        begin with a digit.";
    ENV_RESERVED = "env-file::reserved", "Tidegate sets PORT and every variable that begins with TIDEGATE_ itself, for \
        each instance.";
    ENV_DUPLICATE = "env-file::duplicate", "The variable is set twice in the same file.";
    ENV_TEXT = "env-file::bad-text", "The value is too long or contains a NUL character, which an environment variable \
        cannot carry.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_explained() {
        let ids: std::collections::BTreeSet<_> = codes().iter().map(|code| code.id).collect();
        assert_eq!(ids.len(), codes().len());
        assert!(
            codes().iter().all(|code| code.explanation.ends_with('.') && !code.explanation.contains("  "))
        );
    }
}
