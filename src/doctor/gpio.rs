//! The lines of the buttons, and who has them.

use std::path::Path;
use std::time::Duration;

use gpiocdev::Request;
use gpiocdev::chip::Chip;
use gpiocdev::line::Value;
use nix::poll::ppoll;
use nix::sys::time::TimeSpec;

use super::facts::{Line, Use};
use crate::button::gpio::Wiring;

/// A pull of 50 kilohms charges the filter of a long lead, 100 nF, in 5 ms.
const SETTLE: Duration = Duration::from_millis(25);

/// Looks at each line; one that is free is read, and given back.
pub fn look(chip: &Path, wiring: &Wiring) -> gpiocdev::Result<Vec<Line>> {
    let chip = Chip::from_path(chip)?;
    let state = |gpio| match chip.line_info(gpio) {
        Ok(info) if info.used && info.consumer == "talklight" => Use::Ours,
        Ok(info) if info.used => Use::Taken(info.consumer),
        _ => match read(&chip, gpio, wiring) {
            Ok(Value::Active) => Use::Closed,
            Ok(Value::Inactive) => Use::Open,
            Err(error) => Use::Refused(error.to_string()),
        },
    };
    let lines = wiring.buttons.iter().map(|&(gpio, _)| Line {
        gpio,
        state: state(gpio),
    });
    Ok(lines.collect())
}

fn read(chip: &Chip, gpio: u32, wiring: &Wiring) -> gpiocdev::Result<Value> {
    let mut request = Request::builder();
    request
        .on_chip(chip.path())
        .with_consumer("talklight doctor")
        .with_line(gpio)
        .as_input()
        .with_bias(wiring.bias);
    if wiring.active_low {
        request.as_active_low();
    }
    let line = request.request()?;
    let _ = ppoll(&mut [], Some(TimeSpec::from_duration(SETTLE)), None);
    line.value(gpio)
}
