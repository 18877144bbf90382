-- What neovim's own client gets of `orch lsp`, written to $TOLD as JSON. The client is set up as
-- the manual says, for the version that runs.
vim.opt.runtimepath:prepend(os.getenv("ORCH_VIM"))
vim.cmd("filetype plugin indent on")

local blocks = {}
local manual = table.concat(vim.fn.readfile(os.getenv("MANUAL")), "\n")
for block in manual:gmatch("```lua\n(.-)```") do
  table.insert(blocks, block)
end
if vim.lsp.enable then
  assert(loadstring(blocks[1]))()
elseif vim.lsp.start then
  assert(loadstring(blocks[2]))()
else
  -- Before 0.8 a client is started and attached in two steps.
  local started
  vim.api.nvim_create_autocmd("FileType", {
    pattern = "pipeline",
    callback = function()
      local config = { name = "orch", cmd = { "orch", "lsp" }, root_dir = vim.fn.getcwd() }
      started = started or vim.lsp.start_client(config)
      vim.lsp.buf_attach_client(0, started)
    end,
  })
end

local told = { version = vim.fn.matchstr(vim.fn.execute("version"), [[NVIM v\zs\S*]]) }

local function await(what, is_here)
  assert(vim.wait(60000, is_here, 20), "nothing came: " .. what)
end

local function client()
  if vim.lsp.get_clients then
    return vim.lsp.get_clients({ bufnr = 0 })[1]
  end
  local _, found = next(vim.lsp.buf_get_clients(0))
  return found
end

local function diagnostics()
  return vim.tbl_map(function(each)
    return { each.code, each.lnum, each.col, each.severity }
  end, vim.diagnostic.get(0))
end

local function request(method, place, more)
  local asked = {
    textDocument = vim.lsp.util.make_text_document_params(),
    position = { line = place[1], character = place[2] },
  }
  asked = vim.tbl_extend("force", asked, more or {})
  local answers = vim.lsp.buf_request_sync(0, method, asked, 60000)
  local _, answer = next(answers or {})
  assert(answer and not answer.err, method .. ": " .. vim.inspect(answer))
  return answer.result
end

local function lines(...)
  return vim.api.nvim_buf_get_lines(0, ...)
end

vim.cmd("edit main.pipeline")
await("a client", function() return client() and client().initialized end)

-- The last line is mistyped, and mended.
local last = vim.api.nvim_buf_line_count(0) - 1
local sound = lines(last, last + 1, true)[1]
vim.api.nvim_buf_set_lines(0, last, last + 1, true, { (sound:gsub("build", "biuld")) })
await("a diagnostic", function() return #vim.diagnostic.get(0) > 0 end)
told.diagnostics = diagnostics()
vim.api.nvim_buf_set_lines(0, last, last + 1, true, { sound })
await("the end of the diagnostic", function() return #vim.diagnostic.get(0) == 0 end)

local param = { last - 2, lines(last - 2, last - 1, true)[1]:find("level }}") }
local build = { last, sound:find("build") }
told.hover = request("textDocument/hover", param).contents.value
told.definition = request("textDocument/definition", build).range.start.line
local offered = request("textDocument/completion", build)
told.completion = vim.tbl_map(function(each) return each.label end, offered.items or offered)
local renamed = request("textDocument/rename", build, { newName = "make-all" })
vim.lsp.util.apply_workspace_edit(renamed, "utf-16")
told.renamed = lines(0, -1, true)
vim.api.nvim_buf_set_lines(0, 1, 1, true, { "", "let   x=1" })
local options = { options = { tabSize = 2, insertSpaces = true } }
local edits = request("textDocument/formatting", { 0, 0 }, options)
vim.lsp.util.apply_text_edits(edits, vim.api.nvim_get_current_buf(), "utf-16")
told.formatted = lines(1, 3, true)

-- An argument that a `use` owes is told where the parameter stands, and given in the other file.
vim.cmd("edit! uses.pipeline")
local uses = vim.api.nvim_get_current_buf()
await("a client", function() return client() and client().initialized end)
vim.cmd("edit lib.pipeline")
await("a client", function() return client() and client().initialized end)
local asked = { range = { start = { line = 0, character = 6 } }, context = { diagnostics = {} } }
asked.range["end"] = asked.range.start
local actions
-- An open file is looked at anew: what is said of it comes, goes, and comes again.
await("an action", function()
  actions = request("textDocument/codeAction", { 0, 6 }, asked)
  return #actions > 0 and #vim.diagnostic.get(0) > 0
end)
told.owed = diagnostics()
told.actions = vim.tbl_map(function(each) return each.title end, actions)
vim.lsp.util.apply_workspace_edit(actions[1].edit, "utf-16")
await("the end of what was owed", function() return #vim.diagnostic.get(0) == 0 end)
told.given = vim.api.nvim_buf_get_lines(uses, 0, -1, true)

vim.fn.writefile({ vim.fn.json_encode(told) }, os.getenv("TOLD"))
vim.cmd("quitall!")
