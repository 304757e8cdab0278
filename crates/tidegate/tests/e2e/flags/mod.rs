//! `tidegate flag serve`, asked by OpenFeature clients that others wrote, as they come from the registries.

mod browser;
mod client;
mod flagd;
mod ofrep;
mod packages;
mod served;
