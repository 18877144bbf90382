-- An editor of the pictures: the colours of editors/vim and a client of `orch lsp`, whose mistakes
-- stand behind their lines. Debian's neovim has no `vim.lsp.start` yet.
vim.opt.runtimepath:prepend(os.getenv("ORCH_VIM"))
vim.cmd("filetype plugin on | syntax on | set number noruler laststatus=0 signcolumn=no noswapfile nohlsearch")
vim.cmd("highlight LineNr ctermfg=Gray | highlight NormalFloat ctermbg=NONE")
vim.api.nvim_create_autocmd("FileType", {
  pattern = "pipeline",
  callback = function()
    local config = { name = "orch", cmd = { "orch", "lsp" }, root_dir = vim.fn.getcwd() }
    vim.lsp.buf_attach_client(0, vim.lsp.start_client(config))
  end,
})
local framed = { border = "rounded" }
vim.lsp.handlers["textDocument/hover"] = vim.lsp.with(vim.lsp.handlers.hover, framed)
vim.cmd("edit editor.pipeline")
