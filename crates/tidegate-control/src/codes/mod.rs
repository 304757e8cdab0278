//! What the codes of refusals mean: `tidegate explain CODE` and the reference page are made from these lists. Codes of mistakes in
//! files are `tidegate_config`'s. A test finds the codes in the source and refuses one that is not explained.

mod access;
mod api;
mod deliver;
mod flags;
mod policy;
mod provenance;
mod services;
mod settings;

/// A code and what it means, in one paragraph.
pub type Explained = (&'static str, &'static str);

/// Every code of a refusal, in the order of the documentation.
pub fn codes() -> impl Iterator<Item = &'static Explained> {
    [
        flags::CODES,
        deliver::CODES,
        services::CODES,
        api::CODES,
        access::CODES,
        policy::CODES,
        provenance::CODES,
        settings::CODES,
    ]
    .into_iter()
    .flatten()
}
