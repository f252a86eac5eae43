// linkedin
