//! Printing the assessment as JSON, one device at a time.

use std::io::{self, Write};

use super::{AssessmentHead, DeviceAssessment};

/// Why an assessment could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteJsonError<E: std::error::Error + 'static> {
    /// The next device could not be had.
    #[error("cannot read the next device of the assessment")]
    Device(#[source] E),
    /// The output took no more.
    #[error("cannot write the assessment")]
    Write(#[source] io::Error),
}

/// Writes the assessment as one JSON object, devices last and one a line.
///
/// # Errors
///
/// [`WriteJsonError::Device`] at the first device that cannot be had, [`WriteJsonError::Write`] when `out` fails. What was
/// written until then is not a whole object, so a reader cannot take it for one.
pub fn write_json<E: std::error::Error + 'static>(
    mut out: impl Write,
    head: &AssessmentHead,
    devices: impl Iterator<Item = Result<DeviceAssessment, E>>,
) -> Result<(), WriteJsonError<E>> {
    let write_error = |error: serde_json::Error| WriteJsonError::Write(error.into());
    let mut opening = serde_json::to_vec(head).map_err(write_error)?;
    // The head is an object with members, so its text ends in the brace that the devices still have to go before.
    opening.pop();
    opening.extend_from_slice(b",\"devices\":[");
    out.write_all(&opening).map_err(WriteJsonError::Write)?;
    let mut separator: &[u8] = b"\n";
    for device in devices {
        let device = device.map_err(WriteJsonError::Device)?;
        out.write_all(separator).map_err(WriteJsonError::Write)?;
        serde_json::to_writer(&mut out, &device).map_err(write_error)?;
        separator = b",\n";
    }
    out.write_all(b"\n]}\n").and_then(|()| out.flush()).map_err(WriteJsonError::Write)
}
