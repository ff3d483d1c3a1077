//! The doctor: what it makes of facts, how it reads `config.txt`, the real binary on the pretend Pi and on none, and what
//! the pages of docs/ say of it.

mod cmdline;
mod examine;
mod facts;
mod firmware;
mod follow;
mod judge;
mod set_up;
mod trouble;
mod web;

/// A model of each kind of core clock, and the lines that its `config.txt` needs.
const MODELS: [(&str, &str); 13] = [
    ("5 Model B Rev 1.0", ""),
    ("500 Rev 1.0", ""),
    ("Compute Module 5 Rev 1.0", ""),
    (PI4, "core_freq=500\ncore_freq_min=500"),
    ("400 Rev 1.0", "core_freq=500\ncore_freq_min=500"),
    ("Compute Module 4 Rev 1.1", "core_freq=500\ncore_freq_min=500"),
    (PI3, "core_freq=250"),
    ("3 Model B Plus Rev 1.3", "core_freq=250"),
    ("2 Model B Rev 1.1", ""),
    ("Model B Plus Rev 1.2", ""),
    ("Zero 2 W Rev 1.0", "core_freq=250"),
    ("Zero W Rev 1.1", "core_freq=250"),
    ("Zero Rev 1.3", "core_freq=250"),
];

const PI4: &str = "4 Model B Rev 1.5";
const PI3: &str = "3 Model B Rev 1.2";
