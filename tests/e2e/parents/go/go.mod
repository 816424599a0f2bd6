module bunscope/tests/e2e/parents/go

go 1.21
