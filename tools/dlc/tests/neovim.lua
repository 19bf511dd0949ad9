-- Uses the language server as a person with Neovim does, on a program whose path is in DL_FILE; DLC is the compiler.
-- Ends with 0 and the last line below, or with 1 and what is wrong. For Neovim 0.7 and later.

local TIME = 60000

local function expect(condition, what)
  if not condition then
    error(what, 2)
  end
end

local function wait(what, condition)
  expect(vim.wait(TIME, condition, 20), 'in vain waited for: ' .. what)
end

local function text()
  return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
end

-- Puts the cursor on a text, so many bytes behind its beginning.
local function go_to(pattern, after)
  vim.fn.cursor(1, 1)
  local place = vim.fn.searchpos('\\V' .. pattern, 'cW')
  expect(place[1] > 0, 'there is no ' .. pattern)
  vim.fn.cursor(place[1], place[2] + (after or 0))
  return place[1]
end

-- Replaces the first `old` by `new`, as an edit of the buffer.
local function edit(old, new)
  local line = go_to(old)
  local now = vim.fn.getline(line)
  local from, to = now:find(old, 1, true)
  vim.api.nvim_buf_set_text(0, line - 1, from - 1, line - 1, to, { new })
end

local function ask(method, params)
  local answers = vim.lsp.buf_request_sync(0, method, params or vim.lsp.util.make_position_params(), TIME)
  for _, answer in pairs(answers or {}) do
    expect(not answer.err and not answer.error, method .. ' is refused')
    return answer.result
  end
  error('no answer to ' .. method)
end

local function diagnostics()
  return vim.diagnostic.get(0)
end

local function run()
  vim.cmd('edit ' .. vim.fn.fnameescape(vim.env.DL_FILE))
  local status
  local id = vim.lsp.start_client({
    name = 'dlc',
    cmd = { vim.env.DLC, 'lsp' },
    root_dir = vim.fn.fnamemodify(vim.env.DL_FILE, ':h'),
    on_exit = function(code)
      status = code
    end,
  })
  expect(id, 'the server does not start')
  wait('the client', function()
    vim.lsp.buf_attach_client(0, id)
    return vim.lsp.buf_is_attached(0, id)
  end)
  wait('initialize', function()
    local client = vim.lsp.get_client_by_id(id)
    return client and client.initialized
  end)
  local before = text()

  -- Diagnostics as one types, and that they go.
  edit('x @ p.w1', 'x @ p.w2')
  wait('a diagnostic', function()
    return #diagnostics() > 0
  end)
  local found = diagnostics()[1]
  expect(found.code == 'DL0203' and found.source == 'dlc', vim.inspect(found))
  edit('x @ p.w2', 'x @ p.w1')
  wait('no diagnostics', function()
    return #diagnostics() == 0
  end)

  -- A quick fix.
  edit('relu(', 'rellu(')
  wait('a diagnostic', function()
    return #diagnostics() > 0
  end)
  go_to('rellu')
  local params = vim.lsp.util.make_range_params()
  params.context = { diagnostics = {} }
  local actions = ask('textDocument/codeAction', params)
  expect(#actions > 0, 'there is no quick fix')
  vim.lsp.util.apply_workspace_edit(actions[1].edit, 'utf-16')
  expect(text() == before, 'the quick fix gives another text')

  -- Hover, in its window.
  go_to('x @ p.w1', #'x @ p.')
  vim.lsp.buf.hover()
  local shown
  wait('the window of a hover', function()
    for _, window in ipairs(vim.api.nvim_list_wins()) do
      if vim.api.nvim_win_get_config(window).relative ~= '' then
        local buffer = vim.api.nvim_win_get_buf(window)
        shown = table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\n')
      end
    end
    return shown ~= nil
  end)
  expect(shown:find('Params.w1: f32[PIXELS, HIDDEN]', 1, true), shown)
  expect(shown:find('FLOPs', 1, true), shown)

  -- Definition: the cursor goes there.
  go_to('logits(p, images)')
  vim.lsp.buf.definition()
  wait('the definition', function()
    return vim.fn.getline('.'):find('fn logits', 1, true) ~= nil
  end)

  -- Completion of a field, by the items that a menu shows.
  go_to('p.w1', #'p.')
  local items = ask('textDocument/completion')
  items = vim.lsp.util.text_document_completion_list_to_complete_items(items, '')
  local words = {}
  for _, item in ipairs(items) do
    words[item.word] = true
  end
  expect(words.w1 and words.b1 and words.w2 and words.b2, vim.inspect(words))

  -- Rename, everywhere.
  local _, places = before:gsub('%f[%w_]PIXELS%f[^%w_]', '')
  go_to('PIXELS')
  vim.lsp.buf.rename('INPUTS')
  wait('the new name', function()
    return text() == before:gsub('%f[%w_]PIXELS%f[^%w_]', 'INPUTS')
  end)
  expect(places > 2, 'the name stands in several places')
  expect(#diagnostics() == 0, vim.inspect(diagnostics()))

  -- Formatting.
  local named = text()
  edit('x @ p.w1', 'x   @p.w1')
  if vim.lsp.buf.format then
    vim.lsp.buf.format({ timeout_ms = TIME })
  else
    vim.lsp.buf.formatting_sync(nil, TIME)
  end
  expect(text() == named, 'formatted, it is another text')

  vim.lsp.stop_client(id)
  wait('the end of the server', function()
    return status ~= nil
  end)
  expect(status == 0, 'the server ended with ' .. tostring(status))
end

local ok, why = xpcall(run, debug.traceback)
if ok then
  io.stdout:write('neovim is content\n')
  vim.cmd('qall!')
else
  io.stderr:write(tostring(why) .. '\n')
  vim.cmd('cquit 1')
end
