//! Which requests there are, and which feature answers each.

use lsp_server::{ErrorCode, Request};
use lsp_types::request::{
    CodeActionRequest, Completion, DocumentHighlightRequest, DocumentSymbolRequest,
    FoldingRangeRequest, Formatting, GotoDefinition, HoverRequest, InlayHintRequest,
    PrepareRenameRequest, RangeFormatting, References, Rename, Request as _,
    SemanticTokensFullRequest, SignatureHelpRequest, WorkspaceSymbolRequest,
};
use lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionProviderCapability, CompletionOptions,
    DocumentSymbolResponse, FoldingRangeProviderCapability, HoverProviderCapability,
    InitializeParams, OneOf, PositionEncodingKind, RenameOptions, SemanticTokens,
    SemanticTokensFullOptions, SemanticTokensOptions, SemanticTokensServerCapabilities,
    ServerCapabilities, SignatureHelpOptions, TextDocumentSyncCapability, TextDocumentSyncKind,
    TextDocumentSyncOptions, WorkspaceSymbolResponse,
};
use serde_json::Value;

use crate::features::{
    actions, completion, definition, folding, formatting, hover, inlay, rename, semantic,
    signature, symbols,
};
use crate::world::World;

/// What the server can do.
pub fn capabilities() -> ServerCapabilities {
    let on = |character: &str| Some(vec![character.to_owned()]);
    ServerCapabilities {
        position_encoding: Some(PositionEncodingKind::UTF16),
        text_document_sync: Some(TextDocumentSyncCapability::Options(
            TextDocumentSyncOptions {
                open_close: Some(true),
                change: Some(TextDocumentSyncKind::INCREMENTAL),
                save: Some(true.into()),
                ..TextDocumentSyncOptions::default()
            },
        )),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        document_highlight_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        workspace_symbol_provider: Some(OneOf::Left(true)),
        document_formatting_provider: Some(OneOf::Left(true)),
        document_range_formatting_provider: Some(OneOf::Left(true)),
        rename_provider: Some(OneOf::Right(RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: Default::default(),
        })),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(vec![".".into(), ":".into()]),
            ..CompletionOptions::default()
        }),
        signature_help_provider: Some(SignatureHelpOptions {
            trigger_characters: Some(vec!["(".into(), ",".into()]),
            retrigger_characters: on("="),
            work_done_progress_options: Default::default(),
        }),
        folding_range_provider: Some(FoldingRangeProviderCapability::Simple(true)),
        inlay_hint_provider: Some(OneOf::Left(true)),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QUICKFIX]),
            ..CodeActionOptions::default()
        })),
        semantic_tokens_provider: Some(SemanticTokensServerCapabilities::SemanticTokensOptions(
            SemanticTokensOptions {
                legend: semantic::legend(),
                full: Some(SemanticTokensFullOptions::Bool(true)),
                ..SemanticTokensOptions::default()
            },
        )),
        ..ServerCapabilities::default()
    }
}

/// Whether the editor tells of files that change on the disk, if it is asked to.
pub fn can_watch(params: &InitializeParams) -> bool {
    let workspace = params.capabilities.workspace.as_ref();
    let watched = workspace.and_then(|workspace| workspace.did_change_watched_files.as_ref());
    watched.is_some_and(|watched| watched.dynamic_registration == Some(true))
}

/// What asks an editor to tell of all files of the language.
pub fn watched() -> Value {
    serde_json::json!({ "registrations": [{
        "id": "files",
        "method": "workspace/didChangeWatchedFiles",
        "registerOptions": { "watchers": [{ "globPattern": "**/*.dl" }] },
    }] })
}

/// An answer, or why there is none.
type Answer = Result<Value, (ErrorCode, String)>;

/// The parameters of a request of a kind.
fn params<R: lsp_types::request::Request>(
    request: Request,
) -> Result<R::Params, (ErrorCode, String)> {
    let wrong = |error: serde_json::Error| (ErrorCode::InvalidParams, error.to_string());
    serde_json::from_value(request.params).map_err(wrong)
}

/// A value as it is sent.
fn sent<R: lsp_types::request::Request>(result: R::Result) -> Answer {
    let wrong = |error: serde_json::Error| (ErrorCode::InternalError, error.to_string());
    serde_json::to_value(result).map_err(wrong)
}

/// Answers a request.
pub fn answer(world: &mut World<'_>, request: Request) -> Answer {
    match request.method.as_str() {
        HoverRequest::METHOD => {
            let at = params::<HoverRequest>(request)?.text_document_position_params;
            let place = world.place(&at.text_document.uri, at.position);
            sent::<HoverRequest>(place.and_then(|place| hover::hover(&place)))
        }
        GotoDefinition::METHOD => {
            let at = params::<GotoDefinition>(request)?.text_document_position_params;
            let place = world.place(&at.text_document.uri, at.position);
            let found = place.and_then(|place| definition::definition(world, &place));
            sent::<GotoDefinition>(found.map(Into::into))
        }
        References::METHOD => {
            let params = params::<References>(request)?;
            let at = params.text_document_position;
            let with = match params.context.include_declaration {
                true => definition::Declared::Included,
                false => definition::Declared::LeftOut,
            };
            let place = world.place(&at.text_document.uri, at.position);
            let found = place.and_then(|place| definition::references(world, &place, with));
            sent::<References>(found)
        }
        DocumentHighlightRequest::METHOD => {
            let at = params::<DocumentHighlightRequest>(request)?.text_document_position_params;
            let place = world.place(&at.text_document.uri, at.position);
            let found = place.and_then(|place| definition::highlights(&place));
            sent::<DocumentHighlightRequest>(found)
        }
        PrepareRenameRequest::METHOD => {
            let at = params::<PrepareRenameRequest>(request)?;
            let place = world.place(&at.text_document.uri, at.position);
            sent::<PrepareRenameRequest>(place.and_then(|place| rename::prepare(&place)))
        }
        Rename::METHOD => {
            let params = params::<Rename>(request)?;
            let at = params.text_document_position;
            let Some(place) = world.place(&at.text_document.uri, at.position) else {
                return sent::<Rename>(None);
            };
            let edit = rename::rename(world, &place, &params.new_name);
            sent::<Rename>(Some(edit.map_err(|why| (ErrorCode::RequestFailed, why))?))
        }
        Completion::METHOD => {
            let at = params::<Completion>(request)?.text_document_position;
            let place = world.place(&at.text_document.uri, at.position);
            let found =
                place.map(|place| completion::completions(world, &at.text_document.uri, &place));
            sent::<Completion>(found.map(Into::into))
        }
        SignatureHelpRequest::METHOD => {
            let at = params::<SignatureHelpRequest>(request)?.text_document_position_params;
            let place = world.place(&at.text_document.uri, at.position);
            sent::<SignatureHelpRequest>(place.and_then(|place| signature::help(&place)))
        }
        DocumentSymbolRequest::METHOD => {
            let uri = params::<DocumentSymbolRequest>(request)?.text_document.uri;
            let found = world
                .analysis(&uri)
                .map(|analysis| symbols::symbols(&analysis, 0));
            sent::<DocumentSymbolRequest>(found.map(DocumentSymbolResponse::Nested))
        }
        WorkspaceSymbolRequest::METHOD => {
            let query = params::<WorkspaceSymbolRequest>(request)?.query;
            let found = symbols::found(world, &query);
            sent::<WorkspaceSymbolRequest>(Some(WorkspaceSymbolResponse::Flat(found)))
        }
        Formatting::METHOD => {
            let uri = params::<Formatting>(request)?.text_document.uri;
            let source = world.source(&uri);
            sent::<Formatting>(source.and_then(|source| formatting::all(&source)))
        }
        RangeFormatting::METHOD => {
            let params = params::<RangeFormatting>(request)?;
            let source = world.source(&params.text_document.uri);
            let edits = source.and_then(|source| formatting::part(&source, params.range));
            sent::<RangeFormatting>(edits)
        }
        FoldingRangeRequest::METHOD => {
            let uri = params::<FoldingRangeRequest>(request)?.text_document.uri;
            let found = world
                .analysis(&uri)
                .map(|analysis| folding::ranges(&analysis));
            sent::<FoldingRangeRequest>(found)
        }
        InlayHintRequest::METHOD => {
            let params = params::<InlayHintRequest>(request)?;
            let analysis = world.analysis(&params.text_document.uri);
            let found = analysis.map(|analysis| inlay::hints(&analysis, params.range));
            sent::<InlayHintRequest>(found)
        }
        SemanticTokensFullRequest::METHOD => {
            let uri = params::<SemanticTokensFullRequest>(request)?
                .text_document
                .uri;
            let found = world.analysis(&uri).map(|analysis| SemanticTokens {
                result_id: None,
                data: semantic::tokens(&analysis),
            });
            sent::<SemanticTokensFullRequest>(found.map(Into::into))
        }
        CodeActionRequest::METHOD => {
            let params = params::<CodeActionRequest>(request)?;
            sent::<CodeActionRequest>(actions::actions(world, &params))
        }
        other => Err((
            ErrorCode::MethodNotFound,
            format!("`{other}` is not served"),
        )),
    }
}
