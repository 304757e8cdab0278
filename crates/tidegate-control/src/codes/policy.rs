//! Of roles and policies.

use super::Explained;

pub(super) const CODES: &[Explained] = &[
    (
        "access::forbidden",
        "No policy allows it, or one forbids it. The message names the rule, or the help the role that would allow it; \
         `tidegate access explain WHO ACTION APP/ENV` says more.",
    ),
    ("access::group", "A group asks for nothing itself: its members do. Name one of them, or a token."),
    (
        "access::last-admin",
        "The last administrator cannot be taken away but by whoever runs this Tidegate: nobody else could make another one.",
    ),
    ("access::many", "As many roles are given as are possible. Take some of them."),
    (
        "policy::mistakes",
        "The policies have mistakes, and those in force stay as they are. `tidegate policy check FILE` shows all of them.",
    ),
    (
        "policy::no-version",
        "There is no version of the policies of that number. The newest hundred are kept.",
    ),
    (
        "policy::unreadable",
        "The users' own policies cannot be read by this version of Tidegate, so what they forbid is not known: nobody but \
         whoever runs it gets in until they are set anew.",
    ),
];
