//! The answers of a network, and how they came about.

use std::future::poll_fn;
use std::pin::Pin;

use axum::Json;
use axum::body::{self, Bytes, HttpBody};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use birnn_data::escape;
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::answering::Told;
use crate::app::App;
use crate::asked::{Asked, Body};
use crate::problem::Problem;
use crate::queue::Question;

/// Of an explanation, by which weights it is: what a page knows of a network is true of its own weights
/// alone.
const WEIGHTS: HeaderName = HeaderName::from_static("birnn-weights");

/// The answers to a request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Predicted {
    /// The name of the network.
    model: String,
    /// Of each sample what `birnn predict --json` says of it: of a class `class`, `probability` and
    /// `probabilities`; of steps `tags` with the same; of numbers `values`; of sentences `tokens` besides.
    #[schema(value_type = Vec<Object>)]
    predictions: Told,
}

/// Answers for a picture, whose file is the body, or for the samples that it names as JSON.
#[utoipa::path(
    post,
    path = "/v1/models/{name}/predict",
    params(("name" = String, Path, description = "what the network is called")),
    request_body(content((Asked = "application/json"), (Vec<u8> = "application/octet-stream"), (Vec<u8> = "image/*"))),
    responses(
        (status = 200, description = "the answers", body = Predicted),
        (status = 404, description = "no such network", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "the body came too slowly", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "the body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "neither JSON nor a picture", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "what cannot be answered", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "too much to do", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn predict(
    State(app): State<App>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Json<Predicted>, Problem> {
    let name = named(&app, name)?;
    let (predictions, _) = answered(&app, &name, request, Question::Predict).await?;
    Ok(Json(Predicted { model: name, predictions }))
}

/// Answers for one sample, as `predict` does, and says how the answer came about.
///
/// `prediction` is the answer; `logits` is what the last layer gives, one row or one for each step. `forming`
/// has, where the answer is for the whole sequence, what is answered to its `first` and to its `last` steps
/// alone, for each number of `steps`. `directions` is what either direction has in the logits: each is
/// `bias` + `forward` + `reverse`. The header `birnn-weights` has the SHA-256 of the weights.
#[utoipa::path(
    post,
    path = "/v1/models/{name}/explain",
    params(("name" = String, Path, description = "what the network is called")),
    request_body(content((Asked = "application/json"), (Vec<u8> = "application/octet-stream"), (Vec<u8> = "image/*"))),
    responses(
        (status = 200, description = "the answer, and how it came about", body = Object),
        (status = "4XX", description = "as of predict", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "too much to do", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn explain(
    State(app): State<App>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<([(HeaderName, String); 1], Json<Told>), Problem> {
    let name = named(&app, name)?;
    let (explanation, weights) = answered(&app, &name, request, Question::Explain).await?;
    Ok(([(WEIGHTS, weights)], Json(explanation)))
}

/// The name in a path, which no network has where it is no text.
fn named(app: &App, name: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    name.map(|Path(name)| name).map_err(|_| unknown(app, "of a name that is not UTF-8"))
}

fn unknown(app: &App, which: &str) -> Problem {
    let names: Vec<String> = app.models.each().map(|loaded| loaded.about.name.clone()).collect();
    let names = names.join("`, `");
    Problem::new(StatusCode::NOT_FOUND, format!("there is no network {which}; there are `{names}`"))
}

/// The answer, and the SHA-256 of the weights that it is by.
async fn answered(
    app: &App,
    name: &str,
    request: Request,
    question: Question,
) -> Result<(Told, String), Problem> {
    let Some(loaded) = app.models.get(name) else {
        return Err(unknown(app, &format!("`{}`", escape::line(name))));
    };
    plain(request.headers())?;
    let is_json = is_json(request.headers())?;
    if declared_length(request.headers()).is_some_and(|length| length > app.limits.body) {
        return Err(too_large(app.limits.body));
    }
    let limit = app.limits.request;
    let (bytes, room) = timeout(limit, whole(app, request.into_body())).await.map_err(|_| too_slow())??;
    let body = if is_json { Body::Json(bytes) } else { Body::Picture(bytes) };
    let answered = timeout(limit, loaded.queue.ask(question, body, room)).await;
    let answered = answered.unwrap_or_else(|_| {
        let detail =
            format!("there was no answer within {} seconds; send less at a time, or later", limit.as_secs());
        Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail))
    });
    Ok((answered?, loaded.about.sha256.clone()))
}

/// A body, and the room that it takes, to be held as long as it is: what bodies take in memory is bounded,
/// however many there are. It takes room for what has come and not for what is said to come, so that who
/// sends slowly keeps nobody out.
async fn whole(app: &App, mut body: body::Body) -> Result<(Bytes, OwnedSemaphorePermit), Problem> {
    let full = || Problem::busy("too much is being read already");
    let mut room = app.room.take(0).ok_or_else(full)?;
    let mut whole: Vec<u8> = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let Ok(part) = frame.map_err(|error| unread(&error))?.into_data() else { continue };
        if whole.len() + part.len() > app.limits.body {
            return Err(too_large(app.limits.body));
        }
        whole.extend_from_slice(&part);
        app.room.grow(&mut room, whole.capacity()).ok_or_else(full)?;
    }
    Ok((whole.into(), room))
}

/// Whether the body is as it is to be read: nothing is unpacked here, which a few bytes could make as large
/// as they like.
fn plain(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Content-Encoding: bodies are read as they are; send it unpacked",
        )),
        _ => Ok(()),
    }
}

/// Whether the body is JSON, and not a picture.
fn is_json(headers: &HeaderMap) -> Result<bool, Problem> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/json" => Ok(true),
        "application/octet-stream" => Ok(false),
        picture if picture.starts_with("image/") => Ok(false),
        "" => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Content-Type is missing: application/json, or image/png and the like for a picture",
        )),
        other => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!(
                "Content-Type: {} is not read; application/json is, and image/png and the like: say which it is",
                escape::line(other)
            ),
        )),
    }
}

fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(most: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("a body has at most {most} bytes here; send less at a time"),
    )
}

fn too_slow() -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "the body came too slowly")
}

/// Why a body could not be read.
fn unread(error: &axum::Error) -> Problem {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<tower_http::timeout::TimeoutError>() {
            return too_slow();
        }
        cause = error.source();
    }
    Problem::new(StatusCode::BAD_REQUEST, "the body ended before it was whole")
}
