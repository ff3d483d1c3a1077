//! Colours are told apart by everyone: a published simulation of colour blindness and a stated distance.

use talklight::frame::{Palette, Rgb};

/// Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB: protanopia, deuteranopia, tritanopia, and no change.
const VISIONS: [[[f64; 3]; 3]; 4] = [
    [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
];

#[test]
fn every_two_phases_differ_for_every_kind_of_eye() {
    for (palette, apart) in [(Palette::CLASSIC, 0.1), (Palette::COLOUR_BLIND, 0.2)] {
        for gamma in [2.25, 1.0] {
            for vision in VISIONS {
                let Palette {
                    green, yellow, red, ..
                } = palette;
                for (one, other) in [(green, yellow), (yellow, red), (green, red)] {
                    let distance = distance(seen(one, gamma, vision), seen(other, gamma, vision));
                    assert!(
                        distance >= apart,
                        "{one:?} and {other:?} are {distance:.3} apart in {vision:?}, gamma {gamma}"
                    );
                }
            }
        }
    }
}

fn seen(Rgb { r, g, b }: Rgb, gamma: f64, vision: [[f64; 3]; 3]) -> [f64; 3] {
    let light = [r, g, b].map(|channel| (f64::from(channel) / 255.0).powf(gamma));
    oklab(times(vision, light).map(|channel| channel.max(0.0)))
}

/// Björn Ottosson's OKLab from linear RGB.
fn oklab(light: [f64; 3]) -> [f64; 3] {
    let cones = times(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ],
        light,
    );
    times(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ],
        cones.map(f64::cbrt),
    )
}

fn times(matrix: [[f64; 3]; 3], vector: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
}

fn distance(one: [f64; 3], other: [f64; 3]) -> f64 {
    one.iter()
        .zip(other)
        .map(|(a, b)| (a - b).powi(2))
        .sum::<f64>()
        .sqrt()
}
