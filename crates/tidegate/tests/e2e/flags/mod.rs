//! `tidegate flag serve`, and the gateway of `tidegate up`, asked by OpenFeature clients that others wrote, as they come from
//! the registries.

pub mod asked;
mod browser;
mod client;
mod flagd;
mod gateway;
mod gherkin;
mod ofrep;
mod packages;
mod served;
mod testbed;
