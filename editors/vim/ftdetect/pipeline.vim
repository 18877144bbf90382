" Pipeline files of orch, by their name.
autocmd BufNewFile,BufRead *.pipeline set filetype=pipeline
