//! Leave to send: asked for everywhere before anything is sent anywhere.

use std::collections::HashMap;
use std::sync::Arc;

use super::needs::Image;
use super::outcome::{Outcome, Pushed};
use super::survey::Survey;
use crate::error::Error;
use crate::oci::Repository;
use crate::store::{Target, Watch, side_by_side};

/// Asks for leave to send everywhere before anything is sent anywhere.
pub(super) fn prepare(survey: &Survey<'_>, target: &dyn Target, jobs: usize) -> HashMap<Repository, Arc<Error>> {
    let lacking: Vec<Repository> = survey.lacking().into_iter().cloned().collect();
    let answers = side_by_side(lacking, jobs, |repository| {
        let answer = target.prepare(&repository);
        answer.err().map(|e| (repository.clone(), Arc::new(e.at(repository))))
    });
    answers.into_iter().flatten().collect()
}

/// The lines of images of which nothing was begun, since some repositories refused.
pub(super) fn nothing_sent<'a>(
    images: impl Iterator<Item = &'a Image>,
    refused: &HashMap<Repository, Arc<Error>>,
    watch: &dyn Watch,
) -> Outcome {
    let first = refused.iter().min_by_key(|(to, _)| to.to_string());
    let others =
        first.map(|(to, error)| Error::Shared(error.clone()).at(format!("not begun, since {to} takes nothing")));
    let others = Arc::new(others.unwrap_or_else(|| Error::content("not begun")));
    let line = |image: &Image| {
        let error = refused.get(&image.target.repository).unwrap_or(&others).clone();
        Pushed::failed(image.clone(), error, watch)
    };
    Outcome { images: images.map(line).collect(), ..Outcome::default() }
}
