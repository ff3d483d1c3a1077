mod button;
mod child;
mod colour;
mod config;
mod core;
mod daemon;
mod docs;
#[cfg(target_os = "linux")]
mod doctor;
mod harness;
mod invite;
mod network;
#[cfg(target_os = "linux")]
mod nodes;
mod outside;
#[cfg(target_os = "linux")]
mod pi;
#[cfg(target_os = "linux")]
mod processes;
#[cfg(target_os = "linux")]
mod rig;
mod rules;
mod screen;
mod shipped;
mod terminal;
#[cfg(target_os = "linux")]
mod tester;
#[cfg(all(feature = "web", target_os = "linux"))]
mod ways;
#[cfg(feature = "web")]
mod web;
mod wire;
